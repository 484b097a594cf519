"""What commands in a pull request lead to: their facts, their effects, their replies."""
