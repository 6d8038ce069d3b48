//! A recording without anything wrong, and what each damage makes of it.

mod kit;
mod time;
