"""What a budget of bytes buys: of this form, and of the methods that people would take instead."""
