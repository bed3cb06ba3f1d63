"""Every request of the contract, one module per noun: functions that make values and send nothing."""
