"""What can be done to people, whoever asks: the command line and the console. Each raises Refused with a sentence, and says nothing itself."""
