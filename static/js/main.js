import { watchFeed } from "./feed.js";
import { watchMenus } from "./menus.js";
import { watchThemeToggle } from "./theme-toggle.js";
import { watchToasts } from "./toasts.js";

watchThemeToggle();
watchMenus();
watchToasts();
watchFeed();
