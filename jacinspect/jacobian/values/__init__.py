"""What is each entry, by differences? In: f around X and a pattern. Out: value, bar and kind. Next: agreement."""
