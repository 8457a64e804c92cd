// A box of code with a choice of languages and a button that copies it.

import { make } from "./dom.js";

const COPIED_MS = 2000;

// The clipboard needs https or localhost; elsewhere the selection is copied, the old way.
async function copy(code) {
    try {
        await navigator.clipboard.writeText(code.textContent);
        return true;
    } catch {
        getSelection().selectAllChildren(code);
        return document.execCommand("copy");
    }
}

// writers: { name: () => code }. Returns a function that writes the code anew.
export function snippet(box, writers) {
    const name = `${box.id}-language`;
    const code = make("code", { id: `${box.id}-text` });
    const said = make("span", { class: "said", role: "status" });
    let language = Object.keys(writers)[0];
    const update = () => {
        const text = writers[language]();
        if (code.textContent !== text)
            code.textContent = text;
    };

    const choices = make("div", { class: "choices", role: "radiogroup", "aria-label": "Language" });
    for (const title of Object.keys(writers)) {
        const input = make("input", { type: "radio", name, id: `${name}-${title}`, onchange: () => {
            language = title;
            update();
        } });
        input.checked = title === language;
        choices.append(input, make("label", { for: input.id }, title));
    }
    const button = make("button", { type: "button", onclick: async () => {
        said.textContent = await copy(code) ? "Copied" : "Selected: copy it with your keyboard";
        setTimeout(() => said.textContent = "", COPIED_MS);
    } }, "Copy");
    box.append(make("div", { class: "snippet-head" }, choices, said, button), make("pre", {}, code));
    return update;
}
