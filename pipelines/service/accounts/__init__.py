"""Who calls the desk: accounts, sessions, tokens, and what each role may do."""
