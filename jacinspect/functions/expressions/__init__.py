"""An expression: source text -> syntax tree -> grammar -> evaluation; its derivative in symbols, simplified."""
