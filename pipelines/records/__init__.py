"""Facts with types: what the stages of a run write down for each other and for reviewers."""
