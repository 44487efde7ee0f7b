//! Pages of other origins that call the directory API, and the ids by which their requests are found again.

use http::Method;
use hygie_testkit::Client;

use crate::world::World;

const PAGE: &str = "https://page.example";

#[tokio::test]
async fn a_page_of_any_origin_may_call() {
    let world = World::new().await;
    for (path, method) in [
        ("/v1.0/me", "GET"),
        ("/v1.0/users", "POST"),
        ("/v1.0/$batch", "POST"),
        ("/v1.0/users('anna.martin@ch-demo.example')", "PATCH"),
    ] {
        let headers = [
            ("origin", PAGE),
            ("access-control-request-method", method),
            (
                "access-control-request-headers",
                "authorization,client-request-id,consistencylevel,content-type,prefer,sdkversion",
            ),
        ];
        let answer = Client::new(&world.router)
            .send(Method::OPTIONS, path, &headers, String::new().into())
            .await;
        assert_eq!(answer.status, 204, "{path}");
        let told = |name: &str| answer.headers[name].to_str().expect("ASCII").to_ascii_lowercase();
        assert_eq!(told("access-control-allow-origin"), "*");
        assert!(told("access-control-allow-methods").contains(&method.to_ascii_lowercase()));
        for name in headers[2].1.split(',') {
            let allowed = told("access-control-allow-headers");
            assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}: {allowed}");
        }
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn a_page_reads_what_it_is_answered() {
    let world = World::new().await;
    let caller = world.app(&["User.Read.All"]);
    for (path, status) in [("/v1.0/users", 200), ("/v1.0/users/nobody", 404), ("/v1.0/groups", 403)] {
        let answer = caller.get_with(path, &[("origin", PAGE)]).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let exposed = answer.headers["access-control-expose-headers"]
            .to_str()
            .expect("ASCII")
            .to_ascii_lowercase();
        for name in ["request-id", "client-request-id", "location", "retry-after"] {
            assert!(exposed.split(", ").any(|known| known == name), "{name}: {exposed}");
        }
    }
    // What is no address at all says so to the page as well.
    for path in ["/beta/users", "/v1.0", "/", "/v1.0/nothing/of/that/kind"] {
        let answer = caller.get_with(path, &[("origin", PAGE)]).await;
        assert!(matches!(answer.status.as_u16(), 404 | 501), "{path}: {}", answer.status);
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
    }
    let unknown = Client::new(&world.router)
        .get_with("/v1.0/me", &[("origin", PAGE)])
        .await;
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn requests_have_the_ids_of_both_sides() {
    let world = World::new().await;
    let caller = world.app(&["User.Read.All"]);
    let own = "6f2a2c1e-0000-4000-8000-00000000000a";
    for path in ["/v1.0/users", "/v1.0/users/nobody"] {
        let answer = caller.get_with(path, &[("client-request-id", own)]).await;
        assert_eq!(answer.headers["client-request-id"], own);
        assert_eq!(answer.headers["request-id"], answer.headers["x-request-id"]);
        if answer.status != 200 {
            let inner = &answer.json()["error"]["innerError"];
            assert_eq!(inner["client-request-id"], own);
            assert_eq!(
                inner["request-id"],
                answer.headers["request-id"].to_str().expect("ASCII")
            );
        }
        for wrong in ["", "a b", "<b>", &"x".repeat(65)] {
            let answer = caller.get_with(path, &[("client-request-id", wrong)]).await;
            assert_eq!(
                answer.headers["client-request-id"], answer.headers["request-id"],
                "{wrong}"
            );
        }
    }
}
