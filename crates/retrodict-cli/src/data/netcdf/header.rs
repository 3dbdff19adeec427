//! The header of a NetCDF-3 file: believed only as far as the file goes.

use crate::data::bounded;

/// What a file says of itself.
pub(super) struct NetCdfHeader {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) variables: Vec<Variable>,
    /// How many records there are.
    records: usize,
    /// From one record to the next, in bytes.
    stride: usize,
}

/// An axis that variables share.
pub(super) struct Dimension {
    pub(super) name: String,
    /// None for that of the records.
    length: Option<usize>,
}

/// A variable, and where its values begin.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) dimensions: Vec<usize>,
    pub(super) kind: NumberKind,
    attributes: Vec<Attribute>,
    begin: usize,
}

struct Attribute {
    name: String,
    text: String,
    numbers: Vec<f64>,
}

/// How numbers are stored: big-endian, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    Text,
    Signed(usize),
    Unsigned(usize),
    Float,
    Double,
}

impl NumberKind {
    fn of(code: usize) -> Result<Self, String> {
        Ok(match code {
            1 => Self::Signed(1),
            2 => Self::Text,
            3 => Self::Signed(2),
            4 => Self::Signed(4),
            5 => Self::Float,
            6 => Self::Double,
            7 => Self::Unsigned(1),
            8 => Self::Unsigned(2),
            9 => Self::Unsigned(4),
            10 => Self::Signed(8),
            11 => Self::Unsigned(8),
            other => return Err(format!("its header names {other} as a type of numbers")),
        })
    }

    pub(super) fn is_text(self) -> bool {
        self == Self::Text
    }

    fn size(self) -> usize {
        match self {
            Self::Text => 1,
            Self::Signed(size) | Self::Unsigned(size) => size,
            Self::Float => 4,
            Self::Double => 8,
        }
    }

    fn number(self, bytes: &[u8]) -> f64 {
        let unsigned = bytes
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let unused = 64_usize.saturating_sub(8 * bytes.len()) as u32;
        match self {
            Self::Text | Self::Unsigned(_) => unsigned as f64,
            Self::Signed(_) => (((unsigned << unused) as i64) >> unused) as f64,
            Self::Float => f64::from(f32::from_bits(unsigned as u32)),
            Self::Double => f64::from_bits(unsigned),
        }
    }
}

/// What was never written, by type, where a variable names nothing else.
const FILL_FLOAT: f64 = 9.969_209_968_386_869e36;

/// The bytes of a header, read in order.
struct HeaderBytes<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes of a count: 4, or 8 in the third version.
    count: usize,
    /// Bytes of a place in the file: 4 in the first version, then 8.
    place: usize,
}

impl<'a> HeaderBytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| "it ends within its header".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, size: usize) -> Result<usize, String> {
        let bytes = self.take(size)?;
        let sum = bytes
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        usize::try_from(sum).map_err(|_| "its header names a number that is too large".to_owned())
    }

    fn counted(&mut self) -> Result<usize, String> {
        self.number(self.count)
    }

    fn padded(&mut self, count: usize) -> Result<&'a [u8], String> {
        let taken = self.take(count)?;
        self.take(count.wrapping_neg() % 4)?;
        Ok(taken)
    }

    fn name(&mut self) -> Result<String, String> {
        let length = self.counted()?;
        Ok(String::from_utf8_lossy(self.padded(length)?).into_owned())
    }

    /// The entries of a list, of which each takes some bytes, so that a count is believed no further than the file goes.
    fn list<T>(
        &mut self,
        tag: usize,
        mut entry: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let (found, count) = (self.number(4)?, self.counted()?);
        match (found, count) {
            (0, 0) => Ok(Vec::new()),
            (found, _) if found == tag => (0..count).map(|_| entry(self)).collect(),
            _ => Err("its header is damaged".to_owned()),
        }
    }

    fn attribute(&mut self) -> Result<Attribute, String> {
        let name = self.name()?;
        let kind = NumberKind::of(self.number(4)?)?;
        let count = self.counted()?;
        let length = count
            .checked_mul(kind.size())
            .ok_or("its header is damaged")?;
        let bytes = self.padded(length)?;
        Ok(match kind {
            NumberKind::Text => Attribute {
                name,
                text: String::from_utf8_lossy(bytes)
                    .trim_end_matches('\0')
                    .to_owned(),
                numbers: Vec::new(),
            },
            kind => Attribute {
                name,
                text: String::new(),
                numbers: bytes
                    .chunks_exact(kind.size())
                    .map(|b| kind.number(b))
                    .collect(),
            },
        })
    }
}

impl NetCdfHeader {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (count, place) = match bytes {
            [b'C', b'D', b'F', 1, ..] => (4, 4),
            [b'C', b'D', b'F', 2, ..] => (4, 8),
            [b'C', b'D', b'F', 5, ..] => (8, 8),
            _ => return Err("it is not a NetCDF-3 file".to_owned()),
        };
        let mut source = HeaderBytes {
            bytes,
            at: 4,
            count,
            place,
        };
        let declared = source.take(count)?;
        // A file that is still written does not know.
        let streaming = declared.iter().all(|byte| *byte == 0xff);
        source.at -= count;
        let records = if streaming {
            source.take(count).map(|_| 0)?
        } else {
            source.counted()?
        };
        let dimensions = source.list(10, |source| {
            Ok(Dimension {
                name: source.name()?,
                length: Some(source.counted()?).filter(|length| *length > 0),
            })
        })?;
        source.list(12, HeaderBytes::attribute)?;
        let variables = source.list(11, |source| {
            let name = source.name()?;
            let axes = source.counted()?;
            let dimensions = (0..axes)
                .map(|_| source.counted())
                .collect::<Result<_, _>>()?;
            let attributes = source.list(12, HeaderBytes::attribute)?;
            let kind = NumberKind::of(source.number(4)?)?;
            source.counted()?;
            Ok(Variable {
                name,
                dimensions,
                attributes,
                kind,
                begin: source.number(source.place)?,
            })
        })?;
        let mut header = Self {
            dimensions,
            variables,
            records,
            stride: 0,
        };
        header.check()?;
        header.stride = header.record_stride()?;
        if streaming {
            header.records = header.records_that_fit(bytes.len());
        }
        Ok(header)
    }

    /// Whatever variables say of dimensions must hold.
    fn check(&self) -> Result<(), String> {
        for variable in &self.variables {
            for (axis, id) in variable.dimensions.iter().enumerate() {
                let dimension = self.dimensions.get(*id).ok_or_else(|| {
                    format!(
                        "its variable '{}' has a dimension that is not there",
                        variable.name
                    )
                })?;
                if dimension.length.is_none() && axis > 0 {
                    return Err(format!(
                        "the dimension of records of its variable '{}' is not the first",
                        variable.name
                    ));
                }
            }
        }
        Ok(())
    }

    fn is_record(&self, variable: &Variable) -> bool {
        let first = variable
            .dimensions
            .first()
            .and_then(|id| self.dimensions.get(*id));
        first.is_some_and(|dimension| dimension.length.is_none())
    }

    /// Bytes of a variable, or of one record of it.
    fn block(&self, variable: &Variable) -> Result<usize, String> {
        let lengths = variable
            .dimensions
            .iter()
            .filter_map(|id| self.dimensions[*id].length);
        let mut lengths = lengths.chain([variable.kind.size()]);
        let block = lengths.try_fold(1_usize, |size, length| size.checked_mul(length));
        block.ok_or_else(|| format!("its variable '{}' is too large", variable.name))
    }

    fn record_stride(&self) -> Result<usize, String> {
        let records: Vec<&Variable> = self
            .variables
            .iter()
            .filter(|v| self.is_record(v))
            .collect();
        if let [only] = records.as_slice() {
            return self.block(only);
        }
        let mut sum = 0_usize;
        for variable in records {
            let padded = self.block(variable)?.checked_next_multiple_of(4);
            let next = padded.and_then(|padded| sum.checked_add(padded));
            sum = next.ok_or("its records are too large")?;
        }
        Ok(sum)
    }

    fn records_that_fit(&self, length: usize) -> usize {
        let begins = self
            .variables
            .iter()
            .filter(|v| self.is_record(v))
            .map(|v| v.begin);
        let begin = begins.min().unwrap_or(length);
        length
            .saturating_sub(begin)
            .checked_div(self.stride)
            .unwrap_or(0)
    }

    /// Extent of a variable along each axis.
    pub(super) fn shape(&self, variable: &Variable) -> Vec<usize> {
        let length = |id: &usize| self.dimensions[*id].length.unwrap_or(self.records);
        variable.dimensions.iter().map(length).collect()
    }

    /// The values of a variable: scaled, and NaN where none was written.
    pub(super) fn values(&self, variable: &Variable, bytes: &[u8]) -> Result<Vec<f64>, String> {
        let count = bounded::count(&self.shape(variable))?;
        let (block, size) = (self.block(variable)?, variable.kind.size());
        let blocks = match (self.is_record(variable), count) {
            (_, 0) => 0,
            (true, _) => self.records,
            (false, _) => 1,
        };
        let end = blocks
            .checked_sub(1)
            .map_or(Some(0), |last| last.checked_mul(self.stride))
            .and_then(|last| last.checked_add(if blocks == 0 { 0 } else { block }))
            .and_then(|length| length.checked_add(variable.begin))
            .filter(|end| *end <= bytes.len());
        if end.is_none() {
            return Err(format!(
                "its header claims the shape {:?} of the variable '{}', more than its {} bytes can hold",
                self.shape(variable),
                variable.name,
                bytes.len()
            ));
        }
        let missing = variable.missing();
        let (scale, offset) = (
            variable.number("scale_factor", 1.0),
            variable.number("add_offset", 0.0),
        );
        let value = |bytes: &[u8]| match variable.kind.number(bytes) {
            raw if missing.contains(&raw) => f64::NAN,
            raw => raw * scale + offset,
        };
        let mut values = Vec::with_capacity(count);
        for record in 0..blocks {
            let from = variable.begin + record * self.stride;
            values.extend(bytes[from..from + block].chunks_exact(size).map(value));
        }
        Ok(values)
    }

    /// The coordinates along a dimension: a variable of its name, with that one axis.
    pub(super) fn coordinate(&self, id: usize) -> Option<&Variable> {
        let name = &self.dimensions.get(id)?.name;
        let mut all = self.variables.iter();
        all.find(|v| v.name == *name && v.dimensions == [id] && !v.kind.is_text())
    }

    pub(super) fn is_coordinate(&self, variable: &Variable) -> bool {
        let [id] = variable.dimensions.as_slice() else {
            return false;
        };
        self.dimensions
            .get(*id)
            .is_some_and(|dimension| dimension.name == variable.name)
    }
}

impl Variable {
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// An attribute as text; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.attribute(name).map_or("", |attribute| &attribute.text)
    }

    fn number(&self, name: &str, default: f64) -> f64 {
        let found = self
            .attribute(name)
            .and_then(|attribute| attribute.numbers.first());
        found.copied().unwrap_or(default)
    }

    /// The numbers that stand for nothing.
    fn missing(&self) -> Vec<f64> {
        let named = ["_FillValue", "missing_value"]
            .into_iter()
            .filter_map(|name| self.attribute(name));
        let mut missing: Vec<f64> = named
            .flat_map(|attribute| attribute.numbers.clone())
            .collect();
        match self.kind {
            NumberKind::Float | NumberKind::Double => missing.push(FILL_FLOAT),
            NumberKind::Signed(2) => missing.push(-32_767.0),
            NumberKind::Signed(4) => missing.push(-2_147_483_647.0),
            _ => {}
        }
        missing
    }
}
