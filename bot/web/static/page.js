// Copies a command that stands beside its button. Without JavaScript the buttons stay hidden.
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

// Says above what changes when it no longer does: signed out, or no answer.
let answered = new Date();
const say = (status) => {
  const [out, unanswered] = document.querySelectorAll("#stale p");
  if (status && status < 400) answered = new Date();
  out.hidden = status !== 401;
  unanswered.hidden = status && status < 402;
  unanswered.querySelector("time").textContent = answered.toLocaleTimeString();
};
document.addEventListener("htmx:after:request", (event) => say(event.detail.ctx.response.status));
document.addEventListener("htmx:error", () => say(0));
