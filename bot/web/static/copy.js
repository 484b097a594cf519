// Copies a command that stands beside its button. Without JavaScript the buttons stay hidden, and the text can be selected.
const show = () => document.querySelectorAll(".copy[hidden]").forEach((button) => { button.hidden = false; });
show();
new MutationObserver(show).observe(document.body, { childList: true, subtree: true, attributeFilter: ["hidden"] });
document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  const text = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } catch {
    getSelection().selectAllChildren(text);
  }
});
