//! The store of models: an R2 bucket bound as `MODELS`, or files behind a service bound as `ASSETS`.

use worker::js_sys::{Reflect, encode_uri_component};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Bucket, Env, Fetcher};

/// Where models lie.
pub(crate) enum Store {
    /// In R2.
    Bucket(Bucket),
    /// Behind a service that answers with files.
    Files(Fetcher),
}

impl Store {
    /// The store that is bound; none when none is.
    pub(crate) fn of(env: &Env) -> Option<Self> {
        binding(env, "MODELS").map(Self::Bucket).or_else(|| binding(env, "ASSETS").map(Self::Files))
    }

    /// A file's bytes; none when it is not there.
    pub(crate) async fn bytes(&self, name: &str) -> worker::Result<Option<Vec<u8>>> {
        match self {
            Self::Bucket(bucket) => {
                let object = bucket.get(name).execute().await?;
                match object.as_ref().and_then(|object| object.body()) {
                    Some(body) => Ok(Some(body.bytes().await?)),
                    None => Ok(None),
                }
            }
            Self::Files(service) => file(service, name).await,
        }
    }

    /// A file's text; none when it is not there.
    pub(crate) async fn text(&self, name: &str) -> worker::Result<Option<String>> {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| worker::Error::from(format!("{name} is not UTF-8")));
        self.bytes(name).await?.map(text).transpose()
    }
}

async fn file(service: &Fetcher, name: &str) -> worker::Result<Option<Vec<u8>>> {
    let path = name.split('/').map(|part| String::from(encode_uri_component(part))).collect::<Vec<_>>().join("/");
    let mut response = service.fetch(format!("http://store/{path}"), None).await?;
    match response.status_code() {
        200..300 => Ok(Some(response.bytes().await?)),
        status => {
            // Read to its end, so that the connection is free again.
            let _ = response.bytes().await;
            if status == 404 { Ok(None) } else { Err(format!("status {status}").into()) }
        }
    }
}

/// A binding, whatever its class is called: a runtime on one's own machine has classes of its own. One may be there and null.
pub(crate) fn binding<T: JsCast>(env: &Env, name: &str) -> Option<T> {
    let binding = Reflect::get(env, &JsValue::from(name)).ok()?;
    binding.is_object().then(|| binding.unchecked_into())
}
