//! How many values a program takes that cannot say it: as many as parameters are named.

use toml::Table;

use super::InversionSpec;

/// The option that says how many.
const INPUTS: &str = "inputs";
/// Options in whose presence it need not be said, or is said otherwise.
const OTHERWISE: [&str; 3] = [INPUTS, "input_shape", "keep"];

impl InversionSpec {
    /// Options of a simulator that knows these keys, with the number of its inputs where the names of parameters say it.
    ///
    /// Noise levels are no inputs. Whoever names further parameters, for formulas alone, says the number.
    pub(super) fn with_named_inputs(&self, keys: &[&str], options: &Table) -> Table {
        let mut options = options.clone();
        let takes = OTHERWISE.iter().all(|key| keys.contains(key));
        let said = OTHERWISE.iter().any(|key| options.contains_key(*key));
        let level = |name: &String| self.noise.parameter.contains(name);
        let named = self.parameters.iter().filter(|spec| !level(&spec.name));
        let count = named.count();
        if takes && !said && count > 0 {
            options.insert(INPUTS.to_owned(), (count as i64).into());
        }
        options
    }
}

#[cfg(all(test, feature = "external"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::registry::Registry;
    use crate::spec::InversionSpec;

    #[test]
    fn a_program_takes_as_many_values_as_are_named() {
        let inputs = |simulator: &str, rest: &str| {
            let text = format!(
                "target = [1.0, 2.0]\nsimulator = {{ name = 'program', command = 'cp {{input}} {{output}}', {simulator} }}\n{rest}"
            );
            let spec = InversionSpec::from_toml("a.toml", &text).unwrap();
            let built = spec.simulator(Registry::standard());
            built.map(|simulator| simulator.input().len())
        };
        let two = "[[parameter]]\nname = 'a'\n[[parameter]]\nname = 'b'";
        assert_eq!(inputs("outputs = 2", two).unwrap(), 2);
        // A level of the noise is none of them, and whoever says the number is believed.
        let sigma = format!("noise.parameter = 'sigma'\n{two}\n[[parameter]]\nname = 'sigma'");
        assert_eq!(inputs("outputs = 2", &sigma).unwrap(), 2);
        assert_eq!(inputs("outputs = 2, inputs = 3", two).unwrap(), 3);
        assert_eq!(inputs("outputs = 2, input_shape = [2, 2]", two).unwrap(), 4);
        let message = inputs("outputs = 2", "").unwrap_err().to_string();
        assert!(message.contains("how many values"), "{message}");
    }
}
