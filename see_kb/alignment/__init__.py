"""From pieces to meanings to units: normalisation, morphemes, rules, forms and rows."""
