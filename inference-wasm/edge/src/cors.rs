//! Pages of which origins may call from a browser.

use crate::config::list;

/// The origins that may call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origins {
    /// Every one.
    Any,
    /// These.
    Listed(Vec<String>),
}

impl Origins {
    /// Reads `*` (so does nothing), or origins such as `https://example.com` parted by commas or white space.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text == "*" {
            return Ok(Self::Any);
        }
        match list(text).find(|origin| !is_origin(origin)) {
            Some(_) => Err("holds what is no origin such as https://example.com".into()),
            None => Ok(Self::Listed(list(text).map(str::to_owned).collect())),
        }
    }

    /// The headers that let a page of an origin read the answer.
    pub(crate) fn headers(&self, origin: Option<&str>) -> Vec<(&'static str, String)> {
        let Self::Listed(origins) = self else { return vec![("access-control-allow-origin", "*".into())] };
        let vary = ("vary", "origin".to_owned());
        match origins.iter().find(|listed| Some(listed.as_str()) == origin) {
            Some(listed) => vec![("access-control-allow-origin", listed.clone()), vary],
            None => vec![vary],
        }
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#']))
}

/// What a browser is told that asks before it calls.
pub(crate) const PREFLIGHT: [(&str, &str); 3] = [
    ("access-control-allow-methods", "GET, HEAD, POST, OPTIONS"),
    ("access-control-allow-headers", "authorization, content-type, x-api-key, x-request-id"),
    ("access-control-max-age", "86400"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origins: &str, origin: Option<&str>, allowed: Option<&str>) {
        let headers = Origins::parse(origins).unwrap().headers(origin);
        let found = headers.iter().find(|(name, _)| *name == "access-control-allow-origin").map(|(_, value)| value.as_str());
        assert_eq!(found, allowed);
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        check("", Some("https://a.example"), Some("*"));
        check("*", None, Some("*"));
        let listed = "https://a.example, http://localhost:5173";
        check(listed, Some("https://a.example"), Some("https://a.example"));
        check(listed, Some("http://localhost:5173"), Some("http://localhost:5173"));
        check(listed, Some("https://a.example.evil.example"), None);
        check(listed, Some("null"), None);
        check(listed, None, None);
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["a.example", "https://", "https://a.example/path", "https://*.example", "https://a.example *"] {
            assert!(Origins::parse(text).is_err(), "{text}");
        }
    }
}
