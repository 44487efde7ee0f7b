//! The state of a demo world, kept in `world.json`: what was fixed when it was made, and how far that went. Who lives in
//! it, and with which secrets, is in `demo.json` alone.

use hygie_core::{Clock, Random, random_array};
use serde::{Deserialize, Serialize};

use super::document::{DataService, Document, Endpoints, ManagedIdentity, Workspace};
use super::folder::Folder;
use super::layout::{Layout, Service};
use super::people;
use super::settle::Settled;
use crate::failure::Failure;
use crate::files;

const VERSION: u32 = 6;
const LIMIT: u64 = 16 * 1024 * 1024;

/// The state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    version: u32,
    /// Fixed when the world is made.
    pub domain: Option<String>,
    /// Fixed when the world is made: the names of applications in the directory hold it.
    pub base_port: u16,
    /// Seed of the patients.
    pub seed: u64,
    /// The day the world was made: the last day of the patients' records.
    pub made_on: String,
    /// Whether the directory is complete, and `demo.json` tells who lives in it.
    pub is_settled: bool,
    /// Whether the patients are loaded.
    pub is_filled: bool,
}

impl World {
    /// Reads the state, or makes a new one for this layout. A world whose making was cut short is made anew.
    pub fn open(folder: &Folder, layout: &Layout, clock: &dyn Clock, random: &dyn Random) -> Result<Self, Failure> {
        if let Some(world) = Self::read(folder)? {
            if world.is_settled {
                return Ok(world);
            }
            folder.clear()?;
        }
        let world = Self {
            version: VERSION,
            domain: layout.domain().map(str::to_owned),
            base_port: layout.base_port(),
            seed: u64::from_be_bytes(random_array(random)),
            made_on: clock.now().to_rfc3339()[..10].to_owned(),
            is_settled: false,
            is_filled: false,
        };
        world.save(folder)?;
        files::create_private_dir(&folder.data())?;
        Ok(world)
    }

    /// The state of an existing world; `None` when there is none yet.
    pub fn read(folder: &Folder) -> Result<Option<Self>, Failure> {
        if !folder.state().exists() {
            return Ok(None);
        }
        let bytes = files::read_limited(&folder.state(), LIMIT)?;
        let world = serde_json::from_slice(&bytes)
            .ok()
            .filter(|world: &Self| world.version == VERSION);
        let refusal = || Failure::usage("the demo world is of another version: make a new one with --fresh");
        world.map(Some).ok_or_else(refusal)
    }

    /// Writes it down.
    pub fn save(&self, folder: &Folder) -> anyhow::Result<()> {
        files::write_private(&folder.state(), &serde_json::to_vec_pretty(self)?)
    }

    /// What scripts and clients are told: written once, when the directory is complete.
    pub fn document(settled: Settled, layout: &Layout) -> Document {
        let base = layout.fhir_base();
        let service = DataService {
            name: people::FHIR.to_owned(),
            base: base.clone(),
            audience: base,
            app_id: settled.fhir_app,
        };
        let owner = settled.tenants.first().map(|tenant| tenant.id);
        let workspaces = owner.map(|tenant| Workspace {
            name: people::WORKSPACE.to_owned(),
            tenant,
            fhir: vec![service],
        });
        Document {
            ca_certificate: "ca.pem".into(),
            endpoints: Endpoints {
                portal: Some(layout.origin(Service::Portal)),
                login: Some(layout.origin(Service::Login)),
                certauth: Some(layout.origin(Service::Certauth)),
                graph: Some(layout.origin(Service::Graph)),
                health: layout.origin(Service::Health),
                back_channel: Some(layout.origin(Service::BackChannel)),
                managed_identity: Some(ManagedIdentity {
                    endpoint: format!("{}/msi/token", layout.origin(Service::ManagedIdentity)),
                    header: settled.workload.header.expose().clone(),
                    system_assigned: settled.workload.system_assigned,
                    user_assigned: settled.workload.user_assigned,
                }),
            },
            tenants: settled.tenants,
            workspaces: workspaces.into_iter().collect(),
            role_assignments: settled.role_assignments,
            cards: Some(settled.cards),
        }
    }
}
