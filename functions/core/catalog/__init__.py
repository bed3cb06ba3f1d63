"""Assets as people see them: read through the one predicate, told in the words of the contract."""
