//! Sentences, and comments made of them.

/// The last column of a line.
const WIDTH: usize = 100;

/// With a capital, unless the first word is a symbol.
pub(super) fn sentence(text: &str) -> String {
    let is_word = text.chars().take(2).all(|letter| letter.is_ascii_lowercase());
    if is_word { capitalised(text) } else { text.to_owned() }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Addresses as links of Markdown.
pub(super) fn with_links(text: &str) -> String {
    let linked = |word: &str| match word.find("https://") {
        Some(start) => {
            let end = word.trim_end_matches([')', ';', ',', '.']).len();
            format!("{}<{}>{}", &word[..start], &word[start..end], &word[end..])
        }
        None => word.to_owned(),
    };
    text.split_inclusive([' ', '\n'])
        .map(|word| {
            let bare = word.trim_end();
            linked(bare) + &word[bare.len()..]
        })
        .collect()
}

/// Markdown as a comment of documentation, so many columns from the left: lines that do not fit are
/// broken, paragraphs and lists kept, code left alone.
pub(super) fn comment(text: &str, column: usize) -> String {
    let room = WIDTH - column - "/// ".len();
    let mut written = String::new();
    let mut code = false;
    for line in text.lines() {
        let fence = line.starts_with("```");
        let lines = if code || fence { vec![line.to_owned()] } else { wrapped(line, room) };
        code ^= fence;
        for line in lines {
            written += format!("/// {line}").trim_end();
            written.push('\n');
        }
    }
    written
}

fn wrapped(line: &str, room: usize) -> Vec<String> {
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let mut lines = vec![String::new()];
    for word in words(line) {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines
}

/// The words of a line; what Markdown would take for a list or a quotation does not begin one.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let begins_a_block = word.starts_with(['+', '-', '*', '=', '>', '#', '|'])
            || word.trim_end_matches(['.', ')']).chars().all(|digit| digit.is_ascii_digit());
        match words.last_mut() {
            Some(last) if begins_a_block || last == "-" => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}
