// Texts of a page whose contrast with their ground is less than `least`, by the formula of WCAG 2.
least => {
    const light = text => {
        const [red, green, blue] = text.match(/[\d.]+/g).map(Number).map(part => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!/, 0\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const poor = new Map();
    const walker = document.createTreeWalker(document.querySelector("main") || document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        // What is drawn has grounds of its own, and what lies upon pictures a shadow.
        if (!walker.currentNode.data.trim() || element.closest("svg, script, style, .headerlink")) continue;
        if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        const [colour, under] = [getComputedStyle(element).color, ground(element)];
        if (/rgba/.test(colour) || /rgba/.test(under)) continue;
        const pair = [light(colour), light(under)].sort((one, other) => other - one);
        const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
        if (contrast < least) poor.set(`${colour} on ${under}: ${walker.currentNode.data.trim().slice(0, 40)}`, contrast);
    }
    return [...poor].map(([where, contrast]) => `${contrast.toFixed(1)} ${where}`);
}
