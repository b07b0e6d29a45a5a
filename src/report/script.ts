/**
 * The script of a page: it makes buttons of the headings of tables that can be sorted. It reads and writes nothing but
 * the page itself.
 */
export const pageScript = `for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, i) => row.cells[i].dataset.sort ?? row.cells[i].textContent;
  const order = new Intl.Collator(undefined, { numeric: true }).compare;
  const compare = (a, b) => {
    const [x, y] = [Number(a.replace(/[,\\s%]/g, "")), Number(b.replace(/[,\\s%]/g, ""))];
    return Number.isNaN(x) || Number.isNaN(y) ? order(a, b) : x - y;
  };
  heads.forEach((head, i) => {
    if (head.textContent.trim() === "") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const isNumber = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const direction = before === null ? (isNumber ? "descending" : "ascending") : before === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction);
      const sign = direction === "ascending" ? 1 : -1;
      body.append(...[...body.rows].sort((a, b) => sign * compare(value(a, i), value(b, i))));
    });
  });
}`;

/** SHA-256 of the script in base64: the only script its page lets run. */
export const pageScriptHash = "sha256-pj+KTADo8hzv3UBgK5IvjHRKKVd+NCyFv/40utd2/9o=";
