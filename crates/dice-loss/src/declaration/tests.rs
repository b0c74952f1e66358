//! Options by name: what a table says, and what is refused.
