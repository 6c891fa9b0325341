// What a script adds to the form: pictures from a drop or a paste anywhere on the page,
// a look at them before they are sent, and a word while they are checked. The form is
// sent as any form is; without this file all of it works as well.
"use strict";

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
document.documentElement.classList.add("scripted");

const form = document.querySelector("form.upload");
if (form) enhance(form);

function enhance(form) {
  const words = form.dataset;
  const input = form.querySelector("#file");
  const photo = form.querySelector("#photo");
  const zone = form.querySelector(".drop");
  const list = form.querySelector(".chosen");
  const note = form.querySelector(".note");
  const status = form.querySelector(".status");
  const button = form.querySelector(".send");
  let chosen = [];

  const say = (text, values) =>
    text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const megabytes = (bytes) => (bytes / 1e6).toLocaleString(document.documentElement.lang, {
    maximumFractionDigits: 1,
  });
  const dropped = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");

  function choose(files) {
    chosen = files;
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    input.files = transfer.files;
    show();
  }

  // Whatever it is: the server says of each file what is wrong with it.
  const add = (files) => choose([...chosen, ...files]);

  // Also after a sending that was stopped, of which no event tells.
  function show() {
    form.classList.remove("busy");
    button.disabled = false;
    list.replaceChildren(...chosen.map(item));
    note.textContent = complaint();
    form.classList.toggle("filled", chosen.length > 0);
    status.textContent = chosen.length ? counted(words.one, words.several) : "";
  }

  function counted(one, several) {
    return chosen.length === 1 ? one : say(several, { number: chosen.length });
  }

  // The server decides all the same.
  function complaint() {
    const most = Number(words.mostBytes);
    const large = chosen.find((file) => file.size > most);
    if (large) return say(words.tooLarge, { name: large.name, most: megabytes(most) });
    if (chosen.length > Number(words.most)) return say(words.tooMany, { most: words.most });
    const together = chosen.reduce((sum, file) => sum + file.size, 0);
    const mostTogether = Number(words.mostTogether);
    if (together > mostTogether) return say(words.tooLargeTogether, { most: megabytes(mostTogether) });
    return "";
  }

  function item(file, index) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = file.name;
    const size = document.createElement("span");
    size.className = "hint";
    size.textContent = file.size < 1e5
      ? `${Math.ceil(file.size / 1e3)} kB` : `${megabytes(file.size)} MB`;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", say(words.remove, { name: file.name }));
    remove.addEventListener("click", () => {
      choose(chosen.filter((_, other) => other !== index));
      (list.querySelectorAll(".remove")[Math.min(index, chosen.length - 1)] || input).focus();
    });
    row.append(thumbnail(file), name, size, remove);
    return row;
  }

  // A canvas, because the page's policy loads no picture but its own.
  function thumbnail(file) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 96;
    createImageBitmap(file).then((picture) => {
      const side = Math.min(picture.width, picture.height);
      canvas.getContext("2d").drawImage(
        picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, 96, 96,
      );
      picture.close();
    }).catch(() => {}); // the server says what is wrong with it
    return canvas;
  }

  function rest() {
    chosen = [...input.files];
    show();
  }

  // Choosing once more adds; the field by itself would replace.
  input.addEventListener("change", () => add(input.files));
  photo.addEventListener("change", () => {
    add(photo.files);
    photo.value = "";
  });
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData ? [...event.clipboardData.files] : [];
    if (!files.length) return;
    event.preventDefault();
    add(files);
  });
  document.addEventListener("dragover", (event) => {
    if (!dropped(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!dropped(event)) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  form.addEventListener("submit", (event) => {
    if (!chosen.length) {
      event.preventDefault();
      note.textContent = words.none;
      input.focus();
      return;
    }
    status.textContent = counted(words.checkingOne, words.checkingSeveral);
    form.classList.add("busy");
    // Not before the browser has taken the form's fields.
    setTimeout(() => { button.disabled = true; });
  });
  // Who comes back finds the form as it was left.
  window.addEventListener("pageshow", rest);
}
