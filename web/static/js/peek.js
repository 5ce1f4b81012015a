// The first rows of a CSV file, read in the browser for a preview. The server reads the file itself.

const most = 256 << 10; // bytes that are looked at

const separators = { comma: ",", semicolon: ";", tab: "\t", pipe: "|" };

/**
 * firstRows are the first n rows below the header, each as header → value; null: the file is not one that can be
 * read here, such as a workbook.
 */
export async function firstRows(file, inspected, n) {
  if (inspected.format !== "csv" || /\.gz$/i.test(file.name)) return null;
  const bytes = await file.slice(0, most).arrayBuffer();
  const text = new TextDecoder(encodingOf(inspected, new Uint8Array(bytes))).decode(bytes).replace(/^\uFEFF/, "");
  const separator = separators[inspected.delimiter] || inspected.delimiter || ",";
  const lines = records(text.replace(/^sep=.\r?\n/i, ""), separator, n + 1, file.size > most);
  const [header = [], ...rows] = lines;
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name.trim(), row[i] ?? ""])));
}

function encodingOf({ encoding }, [first]) {
  if (encoding !== "utf-16") return encoding || "utf-8";
  return first === 0xfe ? "utf-16be" : "utf-16le";
}

/** records splits CSV text. A last record that may be cut off is left out. */
function records(text, separator, n, cut) {
  const found = [];
  let record = [], field = "", quoted = false;
  const end = () => {
    record.push(field);
    if (record.some((f) => f.trim() !== "")) found.push(record);
    record = [];
    field = "";
  };
  for (let i = 0; i < text.length && found.length < n; i++) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') field += text[i++];
    else if (c === '"' && (quoted || field === "")) quoted = !quoted;
    else if (quoted) field += c;
    else if (c === separator) {
      record.push(field);
      field = "";
    } else if (c === "\n") end();
    else if (c !== "\r") field += c;
  }
  if (!cut && found.length < n) end();
  return found;
}
