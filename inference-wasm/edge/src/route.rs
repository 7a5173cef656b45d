//! Which paths there are, what they take, and which are open to everyone.

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/predict`
    Predict,
    /// `/model`
    Model,
    /// `/health`
    Health,
    /// `/openapi.json`
    OpenApi,
    /// `/v2`
    Server,
    /// `/v2/health/live`
    Live,
    /// `/v2/health/ready`
    Ready,
    /// `/v2/models/{name}[/versions/{version}]`
    ModelMetadata(Named<'a>),
    /// `/v2/models/{name}[/versions/{version}]/ready`
    ModelReady(Named<'a>),
    /// `/v2/models/{name}[/versions/{version}]/infer`
    Infer(Named<'a>),
}

/// A model that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// Its name, as in the path: percent-encoded.
    pub(crate) name: &'a str,
    /// Its version; without one whichever the request's id leads to.
    pub(crate) version: Option<&'a str>,
}

impl<'a> Route<'a> {
    /// What a path names. A last slash does not matter.
    pub(crate) fn find(path: &'a str) -> Option<Self> {
        match path {
            "/predict" => Some(Self::Predict),
            "/health" => Some(Self::Health),
            "/model" => Some(Self::Model),
            "/openapi.json" => Some(Self::OpenApi),
            "/v2" | "/v2/" => Some(Self::Server),
            "/v2/health/live" => Some(Self::Live),
            "/v2/health/ready" => Some(Self::Ready),
            _ => Self::of_model(path.strip_prefix("/v2/models/")?),
        }
    }

    fn of_model(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let (name, version, rest) = match parts[..] {
            [name, "versions", version, ref rest @ ..] => (name, Some(version), rest),
            [name, ref rest @ ..] => (name, None, rest),
            [] => return None,
        };
        let named = Named { name, version };
        match rest {
            _ if name.is_empty() => None,
            [] => Some(Self::ModelMetadata(named)),
            ["ready"] => Some(Self::ModelReady(named)),
            ["infer"] => Some(Self::Infer(named)),
            _ => None,
        }
    }

    /// The methods it takes.
    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Predict | Self::Infer(_) => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether it takes a method.
    pub(crate) fn takes(self, method: &str) -> bool {
        self.methods().split(", ").any(|taken| taken == method)
    }

    /// Whether it is answered without a key, as those who watch over the worker have none.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Health | Self::Live | Self::Ready)
    }
}

/// The path and the query of an absolute address as a runtime gives it.
pub(crate) fn path_and_query(url: &str) -> (&str, &str) {
    let host = url.find("//").map_or(0, |start| start + 2);
    let path = url[host..].find('/').map_or("/", |start| &url[host + start..]);
    path.split_once('?').unwrap_or((path, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, route: Option<Route>) {
        assert_eq!(Route::find(path), route, "{path}");
    }

    #[test]
    fn paths_lead_to_routes() {
        let named = |name, version| Named { name, version };
        check("/predict", Some(Route::Predict));
        check("/v2/", Some(Route::Server));
        check("/v2/health/ready", Some(Route::Ready));
        check("/v2/models/churn", Some(Route::ModelMetadata(named("churn", None))));
        check("/v2/models/churn/ready", Some(Route::ModelReady(named("churn", None))));
        check("/v2/models/churn/versions/7", Some(Route::ModelMetadata(named("churn", Some("7")))));
        check("/v2/models/churn/versions/7/ready", Some(Route::ModelReady(named("churn", Some("7")))));
        check("/v2/models/churn/versions/7/infer", Some(Route::Infer(named("churn", Some("7")))));
    }

    #[test]
    fn an_address_has_a_path_and_perhaps_a_query() {
        for (url, parts) in [
            ("http://127.0.0.1:8787/predict", ("/predict", "")),
            ("https://worker.example/v2/models/a%2Fb?x=/y", ("/v2/models/a%2Fb", "x=/y")),
            ("https://worker.example", ("/", "")),
            ("https://worker.example/?x", ("/", "x")),
        ] {
            assert_eq!(path_and_query(url), parts);
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/Predict",
            "/predict/x",
            "/v1",
            "/v2/models",
            "/v2/models/",
            "/v2/models//infer",
            "/v2/models/churn/x",
            "/v2/models/churn/infer/x",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn only_health_is_open() {
        assert!(Route::Health.is_open() && Route::Live.is_open() && Route::Ready.is_open());
        assert!(!Route::Predict.is_open() && !Route::Model.is_open() && !Route::OpenApi.is_open());
    }
}
