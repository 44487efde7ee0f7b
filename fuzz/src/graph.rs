//! The directory API over HTTP, as an administrator and an application with all permissions meet it. Input: a request as
//! HTTP/1.1 writes it: method and path, header lines, an empty line, the body; `as: app` makes it the application's. In
//! all of it `USER`, `GROUP`, `APP`, `PRINCIPAL`, `PKI` and `POLICY` are the ids of what is there at first. What one input
//! stored is there for the next ones, until a world of its own begins anew.
//!
//! Laws: no answer is our fault; a refusal is an error of Graph with a code and a message of one line; a refused change
//! leaves everything as it was; what was created is read back.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hygie_access::KeySource;
use hygie_core::{Clock, Cx, ObjectId, TenantId};
use hygie_directory::{
    Definition, Directory, GLOBAL_ADMINISTRATOR, MIGRATIONS, NewApplication, NewTenant, NewUser, directory_api,
};
use hygie_graph::Graph;
use hygie_jose::{Algorithm, KeySet, Protected, SigningKey};
use hygie_means::Means;
use hygie_testkit::{Answer, CardAuthority, Client, FixedKeys, SeededRandom, TemporaryStore, VirtualClock};
use hygie_web::error;
use hygie_web::i18n::shell_messages;
use hygie_web::layers::{self, Layers, layers};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::request::Request;
use crate::world::LOGIN;
use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "graph",
    run,
    seeds,
    words: r#"
        GET POST PATCH DELETE PUT /v1.0 /users /groups /applications /servicePrincipals /me /$batch /members/$ref /owners
        /identity/conditionalAccess/policies /policies/authenticationMethodsPolicy /agreements /auditLogs/signIns
        /directory/publicKeyInfrastructure/certificateBasedAuthConfigurations /directory/deletedItems /delta /$count
        ?$filter= ?$select= &$top= &$orderby= &$expand= &$count=true &$search= startsWith( %20eq%20 %20and%20 not%20 %20in%20 any(x:x %27 /any
        "displayName": "userPrincipalName": "accountEnabled": "passwordProfile":{"password": "mailNickname": "mailEnabled":
        "securityEnabled": "groupTypes":[] "requests":[ "id": "method": "url": "body": "dependsOn":[ "@odata.id": "@odata.type":
        "appRoles":[ "requiredResourceAccess":[ "certificate": "keyCredentials":[ null true {} [] USER GROUP APP PRINCIPAL PKI POLICY
        anna.martin@ch-demo.example consistencylevel:eventual content-type:application/json if-match:* prefer:return=minimal"#,
};

const BASE: &str = "https://graph.example:8443";

const PKIS: &str = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";
const POLICY: &str = r#"{"displayName":"P","state":"disabled","conditions":{"users":{"includeUsers":["All"]},
    "applications":{"includeApplications":["All"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}"#;

/// Changes after which a world has become large enough.
const CHANGES: usize = 500;

static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::new()));

/// Requests with a document.
const DOCUMENTS: &[(&str, &str)] = &[
    (
        "POST /v1.0/users",
        r#"{"accountEnabled":true,"displayName":"B","mailNickname":"b","userPrincipalName":"b@ch-demo.example","businessPhones":["1"],"passwordProfile":{"password":"Un-jour-de-pluie-7"},"otherMails":["b@x.example"]}"#,
    ),
    (
        "PATCH /v1.0/users/anna.martin@ch-demo.example",
        r#"{"jobTitle":"x","authorizationInfo":{"certificateUserIds":["X509:<PN>8.1@carte-cps.fr"]},"onPremisesImmutableId":null}"#,
    ),
    (
        "POST /v1.0/users/anna.martin@ch-demo.example/getMemberGroups",
        r#"{"securityEnabledOnly":true}"#,
    ),
    (
        "POST /v1.0/groups",
        r#"{"displayName":"G","mailEnabled":false,"mailNickname":"g","securityEnabled":true,"members@odata.bind":["https://graph.example:8443/v1.0/directoryObjects/USER"]}"#,
    ),
    (
        "POST /v1.0/groups/GROUP/members/$ref",
        r#"{"@odata.id":"https://graph.example:8443/v1.0/directoryObjects/PRINCIPAL"}"#,
    ),
    (
        "POST /v1.0/applications",
        r#"{"displayName":"P","identifierUris":["api://p"],"appRoles":[{"id":"00000000-0000-0000-0000-000000000011","value":"V","displayName":"V","description":"V","isEnabled":true,"allowedMemberTypes":["User"]}],"web":{"redirectUris":["https://p.example/cb"]},"requiredResourceAccess":[{"resourceAppId":"00000003-0000-0000-c000-000000000000","resourceAccess":[{"id":"e1fe6dd8-ba31-4d61-89e7-88639da4683d","type":"Scope"}]}]}"#,
    ),
    (
        "PATCH /v1.0/applications(appId='APP')",
        r#"{"optionalClaims":{"idToken":[{"name":"acct"}]},"groupMembershipClaims":"SecurityGroup","isFallbackPublicClient":true}"#,
    ),
    (
        "POST /v1.0/applications(appId='APP')/addPassword",
        r#"{"passwordCredential":{"displayName":"s"}}"#,
    ),
    (
        "POST /v1.0/identity/conditionalAccess/policies",
        r#"{"displayName":"P","state":"enabledForReportingButNotEnforced","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["APP"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}"#,
    ),
    (
        "PATCH /v1.0/identity/conditionalAccess/policies/POLICY",
        r#"{"sessionControls":{"signInFrequency":{"value":4,"type":"hours","isEnabled":true}}}"#,
    ),
    (
        "POST /v1.0/identity/conditionalAccess/evaluate",
        r##"{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"USER"},"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["APP"]},"signInConditions":{"ipAddress":"10.0.0.1"}}"##,
    ),
    (
        "PATCH /v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2",
        r##"{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","state":"enabled","keyRestrictions":{"isEnforced":true,"enforcementType":"allow","aaGuids":["90a3ccdf-635c-4729-a248-9b709135078f"]}}"##,
    ),
    (
        "POST /v1.0/$batch",
        r#"{"requests":[{"id":"1","method":"GET","url":"/me"},{"id":"2","method":"PATCH","url":"/groups/GROUP","headers":{"Content-Type":"application/json"},"body":{"description":"x"},"dependsOn":["1"]},{"id":"3","method":"POST","url":"/users","headers":{"Content-Type":"application/json"},"body":{}}]}"#,
    ),
    (
        "POST /v1.0/oauth2PermissionGrants",
        r#"{"clientId":"PRINCIPAL","consentType":"AllPrincipals","resourceId":"PRINCIPAL","scope":"use"}"#,
    ),
    (
        "POST /v1.0/invitations",
        r#"{"invitedUserEmailAddress":"x@ailleurs.example","inviteRedirectUrl":"https://p.example"}"#,
    ),
    (
        "POST /v1.0/agreements",
        r#"{"displayName":"CGU","isViewingBeforeAcceptanceRequired":false,"files":[{"fileName":"c.pdf","language":"fr-FR","isDefault":true,"fileData":{"data":"JVBERi0xLjcKJSVFT0YK"}}]}"#,
    ),
    (
        "POST /v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/PKI/upload",
        r#"{"content":"MIIB"}"#,
    ),
];

fn seeds() -> Vec<Vec<u8>> {
    let json = "content-type: application/json\n\n";
    let now = VirtualClock::default().now();
    let root = CardAuthority::root("FUZZ AC RACINE", now);
    let certificate = BASE64_STANDARD.encode(&root.certificate);
    let mut seeds = texts(&[
        "GET /v1.0/users?$filter=startsWith(displayName,%27A%27)%20and%20accountEnabled%20eq%20true&$select=id,displayName&$top=2&$count=true\nconsistencylevel: eventual\n\n",
        "GET /v1.0/groups/GROUP/members?$expand=memberOf($select=id)\n\n",
        "GET /v1.0/users/delta?$select=displayName\n\n",
        "GET /v1.0/auditLogs/directoryAudits?$filter=category%20eq%20%27UserManagement%27&$top=1\n\n",
        "GET /v1.0/applications(appId='APP')\n\n",
        "GET /v1.0/servicePrincipals/PRINCIPAL/appRoleAssignedTo\n\n",
        "DELETE /v1.0/groups/GROUP/members/USER/$ref\n\n",
        "DELETE /v1.0/identity/conditionalAccess/policies/POLICY\nif-match: W/\"1\"\n\n",
    ]);
    seeds.extend(
        DOCUMENTS
            .iter()
            .map(|(line, body)| format!("{line}\n{json}{body}").into_bytes()),
    );
    let authority = json!({"certificate": certificate, "certificateAuthorityType": "root", "isIssuerHintEnabled": true,
        "certificateRevocationListUrl": "http://crl.example/a.crl"});
    seeds.push(format!("POST {PKIS}/PKI/certificateAuthorities\nas: app\n{json}{authority}").into_bytes());
    seeds
}

/// The directory API with its callers.
struct World {
    runtime: Runtime,
    client: Client,
    person: String,
    app: String,
    /// Words of inputs, and the ids that they stand for.
    ids: Vec<(&'static str, String)>,
    changes: usize,
    _store: TemporaryStore,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let mut world = runtime.block_on(Box::pin(house())).with(runtime);
        world.ids.push(("PKI", world.make(PKIS, r#"{"displayName":"IGC"}"#)));
        let policy = world.make(POLICIES, POLICY);
        world.ids.push(("POLICY", policy));
        world
    }

    /// The id of what the application makes.
    fn make(&self, collection: &str, document: &str) -> String {
        let input = format!("POST {collection}\ncontent-type: application/json\n\n{document}");
        let request = Request::read(input.as_bytes(), "").expect("a request");
        let made = self.send(&request, true).json();
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    fn send(&self, request: &Request<'_>, is_app: bool) -> Answer {
        let caller = if is_app { &self.app } else { &self.person };
        let headers = [&[("authorization", caller.as_str())], &*request.headers].concat();
        let body = Body::from(request.body.to_vec());
        let sent = self
            .client
            .send(request.method.clone(), &request.address, &headers, body);
        self.runtime.block_on(sent)
    }

    fn get(&self, address: &str) -> Answer {
        let headers = [("authorization", self.app.as_str()), ("consistencylevel", "eventual")];
        self.runtime.block_on(self.client.get_with(address, &headers))
    }

    /// What a refused change leaves as it was: the log of changes has an entry for each that was made.
    fn state(&self) -> Vec<String> {
        let logged = "/v1.0/auditLogs/directoryAudits?$filter=result%20eq%20'success'&$top=1";
        [
            "/v1.0/users/$count",
            "/v1.0/groups/$count",
            "/v1.0/applications/$count",
            logged,
        ]
        .map(|address| self.get(address).text().to_owned())
        .to_vec()
    }
}

/// What is made before there is a runtime to keep.
struct House {
    client: Client,
    person: String,
    app: String,
    ids: Vec<(&'static str, String)>,
    store: TemporaryStore,
}

impl House {
    fn with(self, runtime: Runtime) -> World {
        World {
            runtime,
            client: self.client,
            person: self.person,
            app: self.app,
            ids: self.ids,
            changes: 0,
            _store: self.store,
        }
    }
}

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));

async fn house() -> House {
    let clock = Arc::new(VirtualClock::default());
    let random = Arc::new(SeededRandom::new(42));
    let store = TemporaryStore::new("directory", MIGRATIONS, &clock).await;
    let deps = hygie_directory::Deps {
        store: store.store.clone(),
        clock: clock.clone(),
        random: random.clone(),
        workers: 1,
    };
    let directory = Directory::open(deps).await.expect("the directory opens");
    let cx = Cx::internal(TENANT, clock.clone(), random.clone());
    let (admin, ids) = furnish(&directory, &cx).await;
    let key = SigningKey::generate(Algorithm::Es256).expect("a key");
    let keys: Arc<dyn KeySource> = Arc::new(FixedKeys(Arc::new(KeySet::of(&key.public_jwk()).expect("its own key"))));
    let means = Means::open(hygie_means::Deps {
        directory: directory.clone(),
        login: LOGIN.to_owned(),
        metadata: None,
        outgoing: None,
    });
    let graph = Graph::new(hygie_graph::Deps {
        means: means.expect("the means open"),
        directory,
        base: BASE.to_owned(),
        login: LOGIN.to_owned(),
        keys,
    });
    let layered = Layers::new(layers::Settings {
        service: "graph",
        clock: clock.clone(),
        random,
        limits: layers::Limits::default(),
        proxies: Vec::new(),
        messages: shell_messages(),
        home: "/".into(),
        render: Arc::new(error::Graph),
        cors: hygie_graph::cors,
        hsts: None,
        store: store.store.clone(),
        refusals_interval: Duration::from_mins(1),
    });
    let [person, app] = tokens(&key, &clock, admin);
    House {
        client: Client::new(&hygie_graph::normal(layers(hygie_graph::router(graph), &layered))),
        person,
        app,
        ids,
        store,
    }
}

/// An administrator, and one of each thing.
async fn furnish(directory: &Directory, cx: &Cx) -> (ObjectId, Vec<(&'static str, String)>) {
    let tenant = NewTenant {
        id: TENANT,
        display_name: "CH Demo".to_owned(),
        domain: "ch-demo.example".to_owned(),
    };
    directory.create_tenant(cx, tenant).await.expect("a tenant");
    let mut people = Vec::new();
    for name in ["admin", "anna.martin"] {
        let new = NewUser {
            user_principal_name: format!("{name}@ch-demo.example"),
            display_name: name.to_owned(),
            ..NewUser::default()
        };
        people.push(directory.create_user(cx, new).await.expect("a user").id);
    }
    let given = directory.assign_directory_role(cx, people[0], GLOBAL_ADMINISTRATOR);
    given.await.expect("a role");
    let group = directory.create_group(cx, "Nurses").await.expect("a group").id;
    directory.add_member(cx, group, people[1]).await.expect("a member");
    let portal = NewApplication {
        app: None,
        display_name: "PSC_BAS".to_owned(),
        definition: Definition::default(),
    };
    let (application, principal) = directory.create_application(cx, portal).await.expect("an application");
    let ids = vec![
        ("USER", people[1].to_string()),
        ("GROUP", group.to_string()),
        ("APP", application.app.to_string()),
        ("PRINCIPAL", principal.id.to_string()),
    ];
    (people[0], ids)
}

/// Headers of the administrator with all scopes, and of an application with all roles.
fn tokens(key: &SigningKey, clock: &VirtualClock, admin: ObjectId) -> [String; 2] {
    let now = clock.now().secs();
    let offered = directory_api().definition;
    let scopes: Vec<_> = offered.scopes.iter().map(|scope| scope.value.as_str()).collect();
    let roles: Vec<_> = offered.app_roles.iter().map(|role| role.value.as_str()).collect();
    let app = ObjectId::from_uuid(Uuid::from_u128(99));
    let by = [
        json!({"oid": admin, "sub": "pairwise", "scp": scopes.join(" ")}),
        json!({"oid": app, "sub": app, "roles": roles}),
    ];
    by.map(|own| {
        let mut claims = json!({"iss": format!("{LOGIN}/{TENANT}/"), "tid": TENANT, "ver": "1.0",
            "aud": "https://graph.microsoft.com", "appid": Uuid::from_u128(77), "iat": now, "nbf": now, "exp": now + 3600});
        let members = claims.as_object_mut().expect("an object");
        members.extend(own.as_object().cloned().unwrap_or_default());
        format!("Bearer {}", key.sign(&Protected::jwt(), &claims).expect("a token"))
    })
}

fn run(input: &[u8]) {
    let mut world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    if world.changes > CHANGES {
        *world = World::new();
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let text = world
        .ids
        .iter()
        .fold(text.to_owned(), |text, (word, id)| text.replace(word, id));
    let Some(mut request) = Request::read(text.as_bytes(), "") else {
        return;
    };
    let is_app = request.headers.contains(&("as", "app"));
    request.headers.retain(|(name, _)| *name != "as");
    let is_change = request.method != Method::GET && request.method != Method::HEAD;
    let before = is_change.then(|| world.state());
    let answer = world.send(&request, is_app);
    world.changes += usize::from(is_change && answer.status.is_success());
    let is_ours = answer.status.is_server_error() && answer.status != StatusCode::NOT_IMPLEMENTED;
    assert!(!is_ours, "{}: {}", answer.status, answer.text());
    if answer.status.is_client_error() {
        refused(&request, &answer);
        assert_eq!(before, is_change.then(|| world.state()), "{}", answer.text());
    }
    if answer.status == StatusCode::CREATED {
        created(&world, &request, &answer);
    }
}

/// An error of Graph that can be shown.
fn refused(request: &Request<'_>, answer: &Answer) {
    if request.method == Method::HEAD || answer.status == StatusCode::NOT_FOUND && answer.body.is_empty() {
        return;
    }
    let error = &answer.json()["error"];
    let code = error["code"].as_str().unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    assert!(
        !code.is_empty() && !message.is_empty(),
        "{}: {}",
        answer.status,
        answer.text()
    );
    assert!(!message.contains(char::is_control), "{}", answer.text());
}

/// What can be read by its id is there under the id that was answered.
fn created(world: &World, request: &Request<'_>, answer: &Answer) {
    let collection = request.address.split('?').next().unwrap_or_default();
    let known = [
        "/v1.0/users",
        "/v1.0/groups",
        "/v1.0/applications",
        "/v1.0/identity/conditionalAccess/policies",
    ];
    let made: Value = answer.json();
    if let (true, Some(id)) = (known.contains(&collection), made["id"].as_str()) {
        let again = world.get(&format!("{collection}/{id}"));
        assert_eq!(
            (again.status, &again.json()["id"]),
            (StatusCode::OK, &made["id"]),
            "{}",
            again.text()
        );
    }
}
