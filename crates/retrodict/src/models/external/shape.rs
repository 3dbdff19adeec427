//! The shapes of x and y of a model outside: as options state them, or as the model tells.

use super::{MOST_VALUES, failed_as};
use crate::error::{Error, Result};
use crate::options::require;

/// What options state of the `input` or `output`: a shape, or a count, which is a shape of one axis; 0 and no axis at
/// all state nothing.
pub(super) fn stated(what: &str, count: usize, shape: &[usize]) -> Result<Option<Vec<usize>>> {
    if shape.is_empty() {
        let allowed = format!("say how many values it is: 1 to {MOST_VALUES}");
        require(count <= MOST_VALUES, &format!("{what}s"), count, &allowed)?;
        return Ok((count > 0).then(|| vec![count]));
    }
    let len = length(shape);
    let Some(len) = len else {
        return Err(Error::Option {
            key: format!("{what}_shape"),
            found: shown(shape),
            allowed: format!(
                "each axis must be at least 1 long, and all of it 1 to {MOST_VALUES} values"
            ),
        });
    };
    require(
        count == 0 || count == len,
        &format!("{what}s"),
        count,
        &format!(
            "{what}_shape {} has {len} values: leave {what}s out",
            shown(shape)
        ),
    )?;
    Ok(Some(shape.to_vec()))
}

/// The shape as stated, if that fits what the model tells; or as it tells.
pub(super) fn fitted(
    what: &str,
    stated: Option<Vec<usize>>,
    told: Option<&[usize]>,
    label: &str,
) -> Result<Vec<usize>> {
    if let Some(told) = told
        && length(told).is_none()
    {
        return Err(failed_as(
            label.to_owned(),
            format!(
                "its {what} has the shape {}; 1 to {MOST_VALUES} values are accepted",
                shown(told)
            ),
        ));
    }
    match (stated, told) {
        (Some(stated), Some(told)) if length(&stated) != length(told) => Err(Error::Option {
            key: format!("{what}_shape"),
            found: shown(&stated),
            allowed: format!(
                "the {what} of {label} has the shape {}: give a shape of as many values",
                shown(told)
            ),
        }),
        (Some(stated), _) => Ok(stated),
        (None, Some(told)) => Ok(told.to_vec()),
        (None, None) => Err(Error::Option {
            key: format!("{what}s"),
            found: "0".to_owned(),
            allowed: format!(
                "say how many values it is, 1 to {MOST_VALUES}, or let the program tell its {what}_shape"
            ),
        }),
    }
}

/// The number of values, if a model may have so many.
fn length(shape: &[usize]) -> Option<usize> {
    let len = shape
        .iter()
        .try_fold(1_usize, |len, n| len.checked_mul(*n))?;
    (1..=MOST_VALUES).contains(&len).then_some(len)
}

fn shown(shape: &[usize]) -> String {
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    extents.join(" × ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_shape_of_one_axis_and_both_must_agree() {
        assert_eq!(stated("input", 0, &[]).unwrap(), None);
        assert_eq!(stated("input", 3, &[]).unwrap(), Some(vec![3]));
        assert_eq!(stated("input", 6, &[2, 3]).unwrap(), Some(vec![2, 3]));
        assert_eq!(stated("input", 0, &[2, 3]).unwrap(), Some(vec![2, 3]));
        for (count, shape, part) in [
            (
                5,
                &[2, 3][..],
                "input_shape 2 × 3 has 6 values: leave inputs out",
            ),
            (0, &[2, 0], "input_shape = 2 × 0"),
            (0, &[usize::MAX, 2], "each axis must be"),
            (usize::MAX, &[], "say how many values"),
        ] {
            let message = stated("input", count, shape).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn what_is_stated_counts_where_it_fits_what_the_model_tells() {
        let fit = |stated: &[usize], told: &[usize]| {
            let given = |shape: &[usize]| (!shape.is_empty()).then(|| shape.to_vec());
            fitted(
                "output",
                given(stated),
                given(told).as_deref(),
                "program 'p'",
            )
        };
        assert_eq!(fit(&[2, 3], &[6]).unwrap(), [2, 3]);
        assert_eq!(fit(&[], &[6]).unwrap(), [6]);
        assert_eq!(fit(&[2, 3], &[]).unwrap(), [2, 3]);
        for (stated, told, part) in [
            (
                &[2, 3][..],
                &[7][..],
                "the output of program 'p' has the shape 7",
            ),
            (&[], &[], "outputs = 0"),
            (&[], &[0], "its output has the shape 0"),
        ] {
            let message = fit(stated, told).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
