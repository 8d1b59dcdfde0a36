// A photo made smaller before it is sent: a JPEG, upright, on white where it was transparent.
"use strict";
(() => {
  const SIDE = 1600; // pixels: the server makes no photo larger than that

  // What the browser cannot read goes as it is: the server says what is wrong with it
  globalThis.siagaShrink = async (file) => {
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
      const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
      return made && (made.size < file.size || file.type !== "image/jpeg") ? made : file;
    } catch {
      return file;
    }
  };
})();
