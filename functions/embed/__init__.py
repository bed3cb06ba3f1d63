"""thumbnail → the vector of the picture, kept in Postgres → moderate."""
