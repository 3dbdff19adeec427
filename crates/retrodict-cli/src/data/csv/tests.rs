//! Tables that people and programs write, and what is refused of them.

#![allow(clippy::unwrap_used)]

use super::*;

fn whole(text: impl AsRef<[u8]>) -> Outcome<Array> {
    read(Path::new("a.csv"), text.as_ref(), None, false)
}

#[test]
fn tables_come_back_and_mistakes_are_located() {
    let path = Path::new("a.csv");
    let array = Array::new(vec![2, 2], vec![1.0, 0.1, -3.0, 1e-30]);
    let back = whole(bytes(path, &array).unwrap()).unwrap();
    assert_eq!((back.shape, back.values), (array.shape, array.values));
    assert_eq!(whole("x\n1\n2\n").unwrap().shape, [2]);
}

#[test]
fn what_spreadsheets_write_is_read() {
    for text in [
        "\u{feff}1.5\r\n-2\r\n3\r\n",
        "1.5\n-2\n3\n\n \n",
        "y\n1.5\n-2\n3",
        "# made today\n\n\"y, in K\"\n1.5\n-2\n3",
        "temperature in K\n1.5\n-2\n3",
        "\"1.5\"\n\"-2\"\n\"3\"",
        "\"1,5\"\n\"-2\"\n\"3\"",
        "\"1,5\"\t\"-2\"\t3",
        "1.5,-2,3\n",
        "1.5;-2;3",
        "sep=;\r\n1.5;-2;3\r\n",
        "1.5\t-2\t3",
        "1.5, -2,\t3",
        "1.5\r-2\r3\r",
    ] {
        let array = whole(text).unwrap();
        assert_eq!(array.values, [1.5, -2.0, 3.0], "{text:?}");
        assert_eq!(array.shape, [3], "{text:?}");
        assert!(array.columns.is_empty(), "{text:?}");
    }
    for text in [
        "t,y\n0,1\n1,2\n",
        "\"t\";\"y\"\n0;1\n\n1;2\n",
        "t\ty\t\n0\t1\t\n1\t2\t\n",
        "# t y\n0 1\n1 2",
    ] {
        let array = whole(text).unwrap();
        assert_eq!(
            (&array.shape[..], &array.columns[..]),
            (&[2, 2][..], &["t".to_owned(), "y".to_owned()][..]),
            "{text:?}"
        );
    }
}

#[test]
fn no_line_is_dropped_and_what_is_wrong_is_named() {
    for (text, part) in [
        (
            "0.0x\n1\n2\n",
            "line 1: '0.0x' is not a number; nor is the line a header",
        ),
        ("1..5\n1\n", "line 1: '1..5'"),
        ("-1O\n1\n", "line 1: '-1O'"),
        ("time,1.0\n1,2\n", "line 1: 'time' is not a number"),
        ("x\ny\n1\n", "line 2: 'y' is not a number"),
        ("1,2\n3,four\n", "line 2: 'four' is not a number"),
        (
            "1,2\n3\n",
            "line 2: it has 1 values, but the first row has 2",
        ),
        (
            "a,b,c\n1,2\n3,4\n",
            "its header names 3 columns (a, b, c), but its rows have 2",
        ),
        ("", "it contains no numbers"),
        ("x\n", "it contains no numbers"),
        ("1\n\n2\n", "line 2, column 1: the cell is empty"),
        (
            "t,y\n0,1\n1,\n2,3\n",
            "line 3, column 2 (y): the cell is empty",
        ),
        (
            "0,1\n1,NA\n",
            "line 2, column 2: 'NA' is not a finite number",
        ),
        ("1\nnan\n", "--missing"),
        ("1\ninf\n", "line 2, column 1: it holds inf"),
        ("y\n1\n2,5\n", "decimal comma"),
        ("\"1,234\"\n\"2,345\"\n", "a comma between thousands"),
        (
            "y\n0,5\n1,5\n",
            "line 2: '0,5' has a decimal comma: write 0.5",
        ),
        ("1,50\n2,05\n", "line 2: '2,05' has a decimal comma"),
        ("-0,5\n2,5\n", "line 1: '-0,5' has a decimal comma"),
    ] {
        let message = whole(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text:?}: {message}");
    }
    let wide: Vec<u8> = "1\n2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let message = whole(&wide).unwrap_err().to_string();
    assert!(message.contains("UTF-16 without its mark"), "{message}");
    let marked = [&[0xff, 0xfe][..], &wide].concat();
    assert_eq!(whole(&marked).unwrap().values, [1.0, 2.0]);
    let message = whole(&marked[..5]).unwrap_err().to_string();
    assert!(message.contains("ends within a character"), "{message}");
}

#[test]
fn missing_values_are_nan_where_they_may_be() {
    let path = Path::new("a.csv");
    for text in [
        "1\n\n3\n",
        "1\nNA\n3",
        "y\n1\n\"\"\n3",
        "1\n#N/A\n3\n",
        "1,,3",
    ] {
        let array = read(path, text.as_bytes(), None, true).unwrap();
        assert_eq!(array.shape, [3], "{text:?}");
        assert!(
            array.values[1].is_nan() && array.values[2] == 3.0,
            "{text:?}"
        );
    }
}

#[test]
fn a_column_is_picked_by_name_or_number() {
    let text = b"time,height [m]\n0,5\n1,7\n2,\n";
    let pick = |name: &str, gaps| read(Path::new("a.csv"), text, Some(name), gaps);
    assert_eq!(pick("time", false).unwrap().values, [0.0, 1.0, 2.0]);
    assert_eq!(pick("1", false).unwrap().values, [0.0, 1.0, 2.0]);
    assert_eq!(pick("height [m]", true).unwrap().values[..2], [5.0, 7.0]);
    for (name, part) in [
        ("2", "line 4, column 2 (height [m])"),
        (
            "tme",
            "no column 'tme' (did you mean 'time'?); it has 2 columns: time, height [m]",
        ),
        ("3", "it has 2 columns"),
        ("0", "it has 2 columns"),
    ] {
        let message = pick(name, false).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    let message = read(Path::new("a.csv"), b"y,y\n1,2\n", Some("y"), false);
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("2 of its columns are called 'y'"),
        "{message}"
    );
}

fn selected(text: impl AsRef<[u8]>, wanted: &str) -> Result<Vec<f64>, String> {
    let array = read(Path::new("a.csv"), text.as_ref(), Some(wanted), false);
    array.map(|a| a.values).map_err(|e| e.to_string())
}

/// What a German Excel writes: semicolons, decimal commas, a mark, empty cells at the ends.
const EXCEL: &str =
    "\u{feff}t [s];counts (1/s);note;\r\n0;1,5;;\r\n0,5;2,25;ok;\r\n1;1e3;;\r\n;;;\r\n;;;\r\n";

#[test]
fn excel_in_any_language() {
    assert_eq!(selected(EXCEL, "t").unwrap(), [0.0, 0.5, 1.0]);
    assert_eq!(selected(EXCEL, "counts (1/s)").unwrap(), [1.5, 2.25, 1e3]);
    let wide: Vec<u8> = EXCEL.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(selected(wide, "counts").unwrap(), [1.5, 2.25, 1e3]);
    let big = EXCEL.encode_utf16().flat_map(u16::to_be_bytes);
    let big: Vec<u8> = big.collect();
    assert_eq!(selected(big, "2").unwrap(), [1.5, 2.25, 1e3]);
    // Tabs, as "Unicode text" has, and Windows-1252.
    let tabs = EXCEL.replace(';', "\t");
    assert_eq!(selected(tabs, "counts").unwrap(), [1.5, 2.25, 1e3]);
    assert_eq!(
        selected(b"T [\xb0C];y\r\n20,5;1\r\n21;2\r\n", "T [°C]").unwrap(),
        [20.5, 21.0]
    );
    // A name that goes over two lines.
    let two = "\"counts\n(1/s)\",t\n1,2\n3,4\n";
    assert_eq!(selected(two, "counts").unwrap(), [1.0, 3.0]);
    let message = selected("a,b\n\"x\ny\",1\n1,oops\n", "b").unwrap_err();
    assert!(message.contains("line 4: 'oops'"), "{message}");
    // One column: the comma cannot separate, since what it makes are no numbers of rows.
    assert_eq!(
        whole("y\n0,5\n1,25\n0,5\n").unwrap().values,
        [0.5, 1.25, 0.5]
    );
    assert_eq!(
        whole("1,5;2,5\n3,5;4,5\n").unwrap().values,
        [1.5, 2.5, 3.5, 4.5]
    );
    assert_eq!(whole("1,5 2,5\n3,5 4\n").unwrap().shape, [2, 2]);
    for (text, part) in [
        (
            "a;b\n1.5;2\n2;1,5\n",
            "line 3: '1,5' has a decimal comma, but line 2: '1.5' has a decimal point",
        ),
        (
            "a;b\n1.234,5;2\n",
            "line 2: '1.234,5' is not a number; write it without separators of thousands",
        ),
        (
            "a,b\n\"1,234,567\",2\n",
            "line 2: '1,234,567' is not a number; write it without",
        ),
        ("a;b\n1 234 567;2\n", "line 2: '1 234 567'"),
        (
            "a\tb\n1,234\t2\n",
            "line 2: '1,234' may have a decimal comma or a comma between thousands",
        ),
        ("a;b\n#DIV/0!;2\n", "line 2: '#DIV/0!' is not a number"),
        ("#DIV/0!\n2\n", "line 1: '#DIV/0!' is not a number"),
        (
            "t;y\ns;K\n1;2\n",
            "line 2: 's' is not a number; a header is one line, with units in it",
        ),
        ("t,y\n2024-01-31,2\n", "a date or time of day"),
        ("t,y\n12:30,2\n", "a date or time of day"),
        (
            "a,b\n1,\"2\n",
            "line 2: a quote (\") is opened and never closed",
        ),
    ] {
        let message = whole(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text:?}: {message}");
    }
}

#[test]
fn pandas_and_r() {
    // DataFrame.to_csv(), with its index; and of a frame with words.
    let pandas = ",t,y\n0,0.0,1.5\n1,0.1,\n2,0.2,3.5\n";
    let array = read(Path::new("a.csv"), pandas.as_bytes(), None, true).unwrap();
    assert_eq!(
        (array.shape, array.columns),
        (vec![3, 2], vec!["t".to_owned(), "y".to_owned()])
    );
    assert!(array.values[3].is_nan());
    assert_eq!(selected(pandas, "2").unwrap(), [0.0, 0.1, 0.2]);
    let words = ",y\nnorth,1.5\nsouth,2.5\n";
    assert_eq!(whole(words).unwrap().values, [1.5, 2.5]);
    // Of an array, without names.
    let array = whole(
        ",0,1
0,1.5,3.0
1,2.5,4.0
",
    )
    .unwrap();
    assert_eq!(
        (array.shape, array.values),
        (vec![2, 2], vec![1.5, 3.0, 2.5, 4.0])
    );
    assert_eq!(
        whole(
            ",0
0,1.5
1,2.5
"
        )
        .unwrap()
        .values,
        [1.5, 2.5]
    );
    // write.csv and write.table of R.
    for r in [
        "\"\",\"t\",\"y\"\n\"1\",0,1.5\n\"2\",1,2.5\n",
        "\"t\" \"y\"\n\"1\" 0 1.5\n\"2\" 1 2.5\n",
    ] {
        let array = whole(r).unwrap();
        assert_eq!(
            (array.shape, array.values),
            (vec![2, 2], vec![0.0, 1.5, 1.0, 2.5]),
            "{r}"
        );
    }
    // Fortran, MATLAB, gnuplot.
    assert_eq!(
        whole("% made\n1.5D+00 2\n3d-1 4\n").unwrap().values,
        [1.5, 2.0, 0.3, 4.0]
    );
    assert_eq!(
        selected("# t [s]  y (K)\n0 1\n1 2\n", "y").unwrap(),
        [1.0, 2.0]
    );
    assert_eq!(
        selected("t [s]  y (K)\n0 1\n1 2\n", "t").unwrap(),
        [0.0, 1.0]
    );
}

const SITES: &str = "site,year,counts\nnorth,1,5\nsouth,1,7\nnorth,2,6\nsouth,2,NA\n";

#[test]
fn columns_and_rows_are_selected() {
    assert_eq!(selected(SITES, "counts?site=north").unwrap(), [5.0, 6.0]);
    assert_eq!(selected(SITES, "3?site=south&year=1").unwrap(), [7.0]);
    assert_eq!(
        selected(SITES, "year,counts?site=north").unwrap(),
        [1.0, 5.0, 2.0, 6.0]
    );
    let rows = read(
        Path::new("a.csv"),
        b"g,a,b\n1,2,3\n2,4,5\n1,6,7\n",
        Some("?g=1"),
        false,
    );
    let rows = rows.unwrap();
    assert_eq!((rows.shape, rows.selected), (vec![2, 3], false));
    assert_eq!(
        selected("a,b\n\"y?x\",1\n\"z\",2\n", "b?a=y?x").unwrap(),
        [1.0]
    );
    assert_eq!(selected("\"a,b\",\"c?d=1\"\n1,2\n", "a,b").unwrap(), [1.0]);
    assert_eq!(
        selected("\"a,b\",\"c?d=1\"\n1,2\n", "c?d=1").unwrap(),
        [2.0]
    );
    for (wanted, part) in [
        (
            "counts?site=nort",
            "no row of those selected has site = 'nort' (did you mean 'north'?); its values: north, south",
        ),
        ("counts?sit=north", "no column 'sit' (did you mean 'site'?)"),
        (
            "counts?site",
            "'?site' selects no rows: write ?COLUMN=VALUE",
        ),
        (
            "counts?site=south",
            "line 5, column 3 (counts): 'NA' is not a finite number",
        ),
        ("site", "line 2: 'north' is not a number"),
        ("counts,yaer", "no column 'yaer' (did you mean 'year'?)"),
    ] {
        let message = selected(SITES, wanted).unwrap_err();
        assert!(message.contains(part), "{wanted}: {message}");
    }
    let message = whole(SITES).unwrap_err().to_string();
    assert!(
        message.contains("select columns of numbers") && message.contains("site, year, counts"),
        "{message}"
    );
    let array = read(
        Path::new("a.csv"),
        SITES.as_bytes(),
        Some("counts?site=north"),
        false,
    )
    .unwrap();
    assert_eq!(array.beside, ["site", "year"]);
}

#[test]
fn tables_are_written_as_their_ending_says() {
    let array = Array::new(vec![2, 2], vec![1.5, 2.0, 3.0, 4.0]);
    for (name, text) in [
        ("a.csv", "1.5,2\n3,4\n"),
        ("a.tsv", "1.5\t2\n3\t4\n"),
        ("a.txt", "1.5 2\n3 4\n"),
    ] {
        assert_eq!(bytes(Path::new(name), &array).unwrap(), text.as_bytes());
    }
}
