"""Read changed files, who reads them, what the merge would do, the fleet's rules and the approvals."""
