// Says above the part that changes when it no longer follows what happens: signed out, or no answer.
const signedOut = document.getElementById("signed-out");
const unanswered = document.getElementById("unanswered");
let answered = new Date();
const say = (status) => {
  const good = status >= 200 && status < 400;
  if (good) answered = new Date();
  signedOut.hidden = status !== 401;
  unanswered.hidden = good || status === 401;
  unanswered.querySelector("time").textContent = answered.toLocaleTimeString();
};
document.addEventListener("htmx:after:request", (event) => say(event.detail.ctx.response.status));
document.addEventListener("htmx:error", () => say(0));
