"""Git: mirrors of repositories, their trees and commits, and .gitmodules."""
