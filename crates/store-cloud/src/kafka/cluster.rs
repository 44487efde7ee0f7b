//! The brokers of a topic: which of them leads which partition, and a connection to each that is needed.

use std::collections::{HashMap, VecDeque};

use super::Login;
use super::connection::{Connection, Door, split};
use super::error::KafkaError;
use super::messages::{self, Api, Metadata};

/// The brokers, as they were last heard of.
pub struct Cluster {
    door: Door,
    topic: String,
    /// The addresses that were given.
    bootstrap: Vec<String>,
    /// Those and the ones that were heard of; one that does not answer goes to the end.
    candidates: VecDeque<String>,
    metadata: Option<Metadata>,
    connections: HashMap<i32, Connection>,
}

impl Cluster {
    pub fn new(door: Door, topic: String, bootstrap: Vec<String>) -> Result<Self, KafkaError> {
        if bootstrap.is_empty() {
            return Err(KafkaError::Address(String::new()));
        }
        if let Some(address) = bootstrap.iter().find(|address| split(address).is_none()) {
            return Err(KafkaError::Address(address.clone()));
        }
        Ok(Self {
            door,
            topic,
            candidates: bootstrap.clone().into(),
            bootstrap,
            metadata: None,
            connections: HashMap::new(),
        })
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether one of the brokers answers, without a login.
    pub async fn reach(&self) -> Result<(), KafkaError> {
        let door = Door {
            tls: self.door.tls.clone(),
            login: Login::None,
            limits: self.door.limits,
        };
        let mut first = Ok(());
        for address in &self.bootstrap {
            match Connection::open(address, &door).await {
                Ok(_) => return Ok(()),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// How many partitions the topic has.
    pub async fn partitions(&mut self) -> Result<u32, KafkaError> {
        Ok(self.metadata().await?.leaders.len() as u32)
    }

    /// Something failed: what is known of the brokers may be wrong.
    pub fn doubt(&mut self) {
        self.metadata = None;
    }

    /// Sends a request to the leader of a partition.
    pub async fn call(&mut self, partition: i32, api: Api, body: &[u8]) -> Result<Vec<u8>, KafkaError> {
        let (id, mut connection) = self.leader(partition).await?;
        let answer = connection.call(api, body).await?;
        // Only now: a request that was given up or failed leaves a connection of no use.
        self.connections.insert(id, connection);
        Ok(answer)
    }

    /// Whether the leader of a partition knows a request.
    pub async fn knows(&mut self, partition: i32, api: Api) -> Result<bool, KafkaError> {
        let (id, connection) = self.leader(partition).await?;
        let knows = connection.knows(api);
        self.connections.insert(id, connection);
        Ok(knows)
    }

    /// The connection to the leader of a partition, taken out.
    async fn leader(&mut self, partition: i32) -> Result<(i32, Connection), KafkaError> {
        let metadata = self.metadata().await?;
        let leader = metadata.leaders.get(partition as usize).copied();
        let broker = metadata.brokers.iter().find(|(id, _)| Some(*id) == leader).cloned();
        let (id, address) = broker.ok_or_else(|| KafkaError::NoLeader {
            topic: self.topic.clone(),
            partition,
        })?;
        let connection = match self.connections.remove(&id) {
            Some(connection) if connection.leads_to(&address) => connection,
            _ => Connection::open(&address, &self.door).await?,
        };
        Ok((id, connection))
    }

    async fn metadata(&mut self) -> Result<Metadata, KafkaError> {
        if let Some(metadata) = &self.metadata {
            return Ok(metadata.clone());
        }
        let metadata = self.ask_for_metadata().await?;
        let heard = metadata.brokers.iter().map(|(_, address)| address);
        self.candidates.truncate(1);
        for address in self.bootstrap.iter().chain(heard) {
            if !self.candidates.contains(address) {
                self.candidates.push_back(address.clone());
            }
        }
        Ok(self.metadata.insert(metadata).clone())
    }

    async fn ask_for_metadata(&mut self) -> Result<Metadata, KafkaError> {
        let mut first = None;
        for _ in 0..self.candidates.len() {
            match self.ask_one().await {
                Err(error) if error.is_passing() => {
                    self.candidates.rotate_left(1);
                    first = first.or(Some(error));
                }
                outcome => return outcome,
            }
        }
        Err(first.expect("there is at least one address"))
    }

    async fn ask_one(&self) -> Result<Metadata, KafkaError> {
        let mut connection = Connection::open(&self.candidates[0], &self.door).await?;
        let answer = connection
            .call(messages::METADATA, &messages::metadata(&self.topic))
            .await?;
        Metadata::parse(&answer, &self.topic)
    }
}
