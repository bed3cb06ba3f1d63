"""The language: facts, their envelope and the flow table. Imports nothing of ours, knows no database."""
