import { watchFeed } from "./feed.js";
import { watchKeys } from "./keys.js";
import { watchMenus } from "./menus.js";
import { watchParcels } from "./parcels.js";
import { watchStart } from "./start.js";
import { watchSwipes } from "./swipe.js";
import { watchThemeToggle } from "./theme-toggle.js";
import { watchToasts } from "./toasts.js";
import { watchWhy } from "./why.js";

watchThemeToggle();
watchMenus();
watchToasts();
watchParcels();
watchFeed();
watchStart();
watchKeys();
watchSwipes();
watchWhy();
