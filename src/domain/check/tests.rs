//! A recording without anything wrong, and what each damage makes of it.

mod findings;
mod kit;
mod removed;
mod rules;
mod table;
mod time;
mod told;
