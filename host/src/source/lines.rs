//! Lines out of a stream of bytes.

use std::io::{self, Read};

use memchr::memchr;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// Cuts a stream into lines, each at most so long, and counts the bytes that went by.
pub(super) struct Lines<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    longest: usize,
    /// Bytes of the stream up to the end of the line that was given last.
    offset: u64,
}

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its end (`\n` or `\r\n`). It may be empty.
    Whole(&'a [u8]),
    /// The beginning of a line that is too long, and the length of all of it.
    TooLong(&'a [u8], u64),
}

impl<R: Read> Lines<R> {
    /// The lines of a stream that stands at `offset`; a line of more than `longest` bytes is too long.
    pub(super) fn new(stream: R, offset: u64, longest: usize) -> Self {
        let buffer = vec![0; CHUNK.max(longest + 2)];
        Self {
            stream,
            buffer,
            start: 0,
            end: 0,
            at_end: false,
            longest,
            offset,
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; none at the end of the stream. What stands behind the last line break is a line too, if there is anything.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = self.start;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[searched..self.end]) {
                return Ok(Some(self.take(searched + found, 1)));
            }
            searched = self.end;
            if self.at_end {
                return Ok((self.start < self.end).then(|| self.take(self.end, 0)));
            }
            // The line may end in `\r`, which does not count.
            if self.end - self.start > self.longest + 1 {
                return self.skip().map(Some);
            }
            searched -= self.fill()?;
        }
    }

    /// Gives the line that ends at `end`, behind which `separator` bytes belong to it.
    fn take(&mut self, end: usize, separator: usize) -> Line<'_> {
        let line = &self.buffer[self.start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let passed = end + separator - self.start;
        self.offset += passed as u64;
        self.start = end + separator;
        if line.len() > self.longest {
            return Line::TooLong(&line[..self.longest], line.len() as u64);
        }
        Line::Whole(line)
    }

    /// Reads on behind what is there, and gives by how much that was moved to the front to make room.
    fn fill(&mut self) -> io::Result<usize> {
        let mut moved = 0;
        if self.end == self.buffer.len() {
            moved = self.start;
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= moved;
            self.start = 0;
        }
        let read = loop {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.end += read;
        self.at_end = read == 0;
        Ok(moved)
    }

    /// Passes over the rest of a line that is too long, keeping its beginning.
    fn skip(&mut self) -> io::Result<Line<'_>> {
        let beginning = self.buffer[self.start..self.start + self.longest].to_vec();
        let mut length = (self.end - self.start) as u64;
        let separator = loop {
            self.start = 0;
            self.end = 0;
            self.fill()?;
            if let Some(found) = memchr(b'\n', &self.buffer[..self.end]) {
                length += found as u64;
                self.start = found + 1;
                break 1;
            }
            length += self.end as u64;
            if self.at_end {
                break 0;
            }
        };
        self.offset += length + separator;
        // Kept behind the part of the buffer that is in use, which is where the next line will be looked for.
        let kept = self.end.max(self.start);
        if self.buffer.len() < kept + beginning.len() {
            self.buffer.resize(kept + beginning.len(), 0);
        }
        self.buffer[kept..kept + beginning.len()].copy_from_slice(&beginning);
        Ok(Line::TooLong(
            &self.buffer[kept..kept + beginning.len()],
            length,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads everything, a few bytes at a time, as (line, offset behind it).
    fn read(text: &str, longest: usize, step: usize) -> Vec<(String, u64)> {
        struct Slow<'a>(&'a [u8], usize);
        impl Read for Slow<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let length = self.1.min(self.0.len()).min(into.len());
                into[..length].copy_from_slice(&self.0[..length]);
                self.0 = &self.0[length..];
                Ok(length)
            }
        }
        let mut lines = Lines::new(Slow(text.as_bytes(), step), 0, longest);
        let mut found = Vec::new();
        loop {
            let line = match lines.next().unwrap() {
                Some(Line::Whole(line)) => String::from_utf8(line.to_vec()).unwrap(),
                Some(Line::TooLong(beginning, length)) => {
                    format!(
                        "{}... {length}",
                        String::from_utf8(beginning.to_vec()).unwrap()
                    )
                }
                None => return found,
            };
            found.push((line, lines.offset()));
        }
    }

    #[test]
    fn lines_end_in_either_way_and_the_last_one_need_not_end() {
        for step in 1..9 {
            let found = read("one\r\n\ntwo\nthree", 100, step);
            let expected = [("one", 5), ("", 6), ("two", 10), ("three", 15)];
            assert_eq!(
                found,
                expected.map(|(line, offset)| (line.to_owned(), offset)),
                "{step} bytes at a time"
            );
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_its_beginning_kept() {
        for step in [1, 7, 1000] {
            let long = "x".repeat(CHUNK + 100);
            let found = read(&format!("a\n{long}\nb\n{long}"), 4, step.max(997));
            let length = long.len() as u64;
            let cut = format!("xxxx... {length}");
            let expected = [
                ("a", 2),
                (&cut, length + 3),
                ("b", length + 5),
                (&cut, 2 * length + 5),
            ];
            assert_eq!(
                found,
                expected.map(|(line, offset)| (line.to_owned(), offset))
            );
        }
    }

    #[test]
    fn a_line_of_just_the_greatest_length_is_whole() {
        assert_eq!(
            read("abcd\r\nabcde\n", 4, 1),
            [("abcd".to_owned(), 6), ("abcd... 5".to_owned(), 12)]
        );
    }

    #[test]
    fn a_stream_without_a_byte_has_no_line() {
        assert_eq!(read("", 4, 1), []);
    }
}
