//! Moto's S3, which checks signatures with Amazon's own library (botocore) and wants parts of 5 MiB, as S3 does.

use std::process::Command;

use hygie_core::Secret;
use hygie_store_cloud::objects::{Limits, Options, S3, Service};

use super::{Certified, Running, element, free_port, tool, wait_for};

pub struct S3Server {
    port: u16,
    files: Certified,
    server: Running,
    key_id: String,
    secret_key: String,
}

impl S3Server {
    pub fn start() -> Self {
        let (port, files) = (free_port(), Certified::new());
        let mut command = Command::new(tool("moto/bin/moto_server"));
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.arg("--ssl-cert").arg(files.path("certificate.pem"));
        command.arg("--ssl-key").arg(files.path("key.pem"));
        // The four requests that make a user and a bucket; all others must be signed.
        command.env("INITIAL_NO_AUTH_ACTION_COUNT", "4");
        // Short pages, so that listings have several.
        command.env("MOTO_S3_DEFAULT_MAX_KEYS", "3");
        let log = files.path("log");
        let server = Running::start(&command, &log);
        wait_for(port, &log);
        let mut server = Self {
            port,
            files,
            server,
            key_id: String::new(),
            secret_key: String::new(),
        };
        server.make_user();
        server
            .files
            .curl(&["--request", "PUT", &format!("{}/test", server.endpoint())]);
        server
    }

    fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    fn make_user(&mut self) {
        let iam = |action: &str| {
            let scope = "Authorization: AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/iam/aws4_request, \
                         SignedHeaders=host, Signature=x";
            let form = format!("Version=2010-05-08&UserName=hygie&{action}");
            self.files.curl(&["--header", scope, "--data", &form, &self.endpoint()])
        };
        iam("Action=CreateUser");
        let policy = "%7B%22Version%22:%222012-10-17%22,%22Statement%22:%5B%7B%22Effect%22:%22Allow%22,\
                      %22Action%22:%22s3:*%22,%22Resource%22:%22*%22%7D%5D%7D";
        iam(&format!("Action=PutUserPolicy&PolicyName=all&PolicyDocument={policy}"));
        let made = iam("Action=CreateAccessKey");
        element(&made, "AccessKeyId").clone_into(&mut self.key_id);
        element(&made, "SecretAccessKey").clone_into(&mut self.secret_key);
    }

    pub fn options(&self) -> Options {
        Options {
            service: Service::S3(S3 {
                endpoint: Some(self.endpoint()),
                region: "us-east-1".to_owned(),
                bucket: "test".to_owned(),
                key_id: self.key_id.clone(),
                secret_key: Secret::new(self.secret_key.clone()),
            }),
            authorities: vec![self.files.certificate.clone()],
            limits: Limits::default(),
        }
    }

    pub fn kill(&mut self) {
        self.server.kill();
    }
}
