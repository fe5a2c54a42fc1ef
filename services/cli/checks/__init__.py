"""What `caretrail doctor` looks at, a file for each subject; each check gives its findings and changes nothing."""
