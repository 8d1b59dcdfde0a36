"""`make kills KILLS=120`: leaders, brokers, stores and databases are killed under load, and the answers compared."""
