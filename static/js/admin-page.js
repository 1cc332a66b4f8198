import { watchSubmits } from "./once.js";

watchSubmits();
