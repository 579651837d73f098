"""The graph of a stack without an account: captured, checked, and rendered for other checkers."""
