"""What is done with several images of one subject: choosing among them, joining them, and finding out who they show."""
