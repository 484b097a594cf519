"""The built distribution, installed as a node installs it."""
