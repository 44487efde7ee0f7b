//! Values that go into statements and rows that come out, the same on every engine.

use std::sync::Arc;

use hygie_core::{AppId, GroupId, ObjectId, RequestId, SessionId, TenantId, Timestamp};

use crate::StoreError;

/// A value of a statement or of a row. Ids are 16 bytes, instants milliseconds, booleans 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// 64-bit integer.
    Int(i64),
    /// Double precision.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

macro_rules! from {
    ($($type:ty, $value:ident => $made:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}
from! {
    i64, v => Self::Int(v);
    i32, v => Self::Int(v.into());
    u32, v => Self::Int(v.into());
    bool, v => Self::Int(v.into());
    f64, v => Self::Real(v);
    &str, v => Self::Text(v.to_owned());
    &String, v => Self::Text(v.clone());
    String, v => Self::Text(v);
    &[u8], v => Self::Blob(v.to_vec());
    &Vec<u8>, v => Self::Blob(v.clone());
    Vec<u8>, v => Self::Blob(v);
    Timestamp, v => Self::Int(v.millis());
    TenantId, v => Self::Blob(v.uuid().as_bytes().to_vec());
    AppId, v => Self::Blob(v.uuid().as_bytes().to_vec());
    ObjectId, v => Self::Blob(v.uuid().as_bytes().to_vec());
    GroupId, v => Self::Blob(v.uuid().as_bytes().to_vec());
    SessionId, v => Self::Blob(v.uuid().as_bytes().to_vec());
    RequestId, v => Self::Blob(v.uuid().as_bytes().to_vec());
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(v: [u8; N]) -> Self {
        Self::Blob(v.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// `None` when the stored value has another type.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! read {
    ($($type:ty: $pattern:pat => $made:expr;)*) => {$(
        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $pattern => $made,
                    _ => None,
                }
            }
        }
    )*};
}
read! {
    i64: Value::Int(v) => Some(v);
    i32: Value::Int(v) => v.try_into().ok();
    u32: Value::Int(v) => v.try_into().ok();
    bool: Value::Int(v) => Some(v != 0);
    f64: Value::Real(v) => Some(v);
    String: Value::Text(v) => Some(v);
    Vec<u8>: Value::Blob(v) => Some(v);
    Timestamp: Value::Int(v) => Some(Self::from_millis(v));
    TenantId: Value::Blob(v) => uuid::Uuid::from_slice(&v).ok().map(Self::from_uuid);
    AppId: Value::Blob(v) => uuid::Uuid::from_slice(&v).ok().map(Self::from_uuid);
    ObjectId: Value::Blob(v) => uuid::Uuid::from_slice(&v).ok().map(Self::from_uuid);
    GroupId: Value::Blob(v) => uuid::Uuid::from_slice(&v).ok().map(Self::from_uuid);
    SessionId: Value::Blob(v) => uuid::Uuid::from_slice(&v).ok().map(Self::from_uuid);
    RequestId: Value::Blob(v) => uuid::Uuid::from_slice(&v).ok().map(Self::from_uuid);
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// One row of an answer, columns by position.
#[derive(Clone, Debug)]
pub struct Row {
    statement: Arc<str>,
    values: Vec<Value>,
}

impl Row {
    /// Its first columns as they are; they are `NULL` afterwards.
    pub(crate) fn values(&mut self, count: usize) -> Vec<Value> {
        let values = self.values.iter_mut().take(count);
        values.map(|value| std::mem::replace(value, Value::Null)).collect()
    }

    /// A row as an engine delivers it; the statement names it in an inconsistency.
    pub fn new(statement: Arc<str>, values: Vec<Value>) -> Self {
        Self { statement, values }
    }

    /// Takes the column at `at`, which is `NULL` afterwards.
    pub fn take<T: FromValue>(&mut self, at: usize) -> Result<T, StoreError> {
        let value = self.values.get_mut(at).map(|v| std::mem::replace(v, Value::Null));
        value.and_then(T::from_value).ok_or_else(|| {
            let wanted = std::any::type_name::<T>();
            StoreError::Inconsistent(format!("column {at} of `{}` is not a {wanted}", self.statement))
        })
    }
}
