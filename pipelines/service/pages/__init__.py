"""What people see of the desk: pages made by templates, in the language of their reader."""
