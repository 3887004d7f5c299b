"""Files of other people: judged before they are read, and read in a process with limits."""
