// Where clients of these tests are answered. Nobody listens there: the tests read the addresses.

/** Where codes, tokens and errors go. */
export const CALLBACK = "https://app.example/callback";

/** Where people go who have signed out. */
export const GOODBYE = "https://app.example/goodbye";
