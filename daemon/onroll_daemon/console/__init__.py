"""The console: what a network manager opens in the morning. It reads the store and writes approvals, requests and settings of people; it holds no connector."""
