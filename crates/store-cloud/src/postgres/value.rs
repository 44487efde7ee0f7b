//! Values of the store as PostgreSQL's, and back.

use std::error::Error;

use bytes::BytesMut;
use hygie_store::Value;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A value bound to a placeholder, whose type the server has told.
#[derive(Debug)]
pub struct Bound<'a>(pub &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(value), &Type::INT8) => value.to_sql(ty, out),
            (Value::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(ty, out),
            (Value::Int(value), &Type::INT2) => i16::try_from(*value)?.to_sql(ty, out),
            (Value::Int(value), &Type::FLOAT8) => (*value as f64).to_sql(ty, out),
            (Value::Real(value), &Type::FLOAT8) => value.to_sql(ty, out),
            (Value::Text(value), &Type::TEXT | &Type::VARCHAR) => value.to_sql(ty, out),
            (Value::Blob(value), &Type::BYTEA) => value.to_sql(ty, out),
            _ => Err(format!("a value of another type than {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Decided value by value.
        true
    }

    to_sql_checked!();
}

/// A value of a row.
pub struct Owned(pub Value);

impl<'a> FromSql<'a> for Owned {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::TEXT | Type::VARCHAR => Value::Text(String::from_sql(ty, raw)?),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            _ => return Err(format!("a column of type {ty}, which the store does not have").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_pass_as_their_own_type_and_no_other() {
        let written = |value: Value, ty: Type| {
            let mut out = BytesMut::new();
            Bound(&value).to_sql(&ty, &mut out).map(|_| out.to_vec())
        };
        for (value, ty) in [
            (Value::Int(i64::MIN), Type::INT8),
            (Value::Int(-7), Type::INT4),
            (Value::Int(7), Type::INT2),
            (Value::Real(-1.5e300), Type::FLOAT8),
            (Value::Text("Éloïse".to_owned()), Type::TEXT),
            (Value::Blob(vec![0, 255]), Type::BYTEA),
        ] {
            let raw = written(value.clone(), ty.clone()).unwrap();
            assert_eq!(Owned::from_sql(&ty, &raw).unwrap().0, value);
        }
        for (value, ty) in [
            (Value::Int(i64::MAX), Type::INT4),
            (Value::Text("1".to_owned()), Type::INT8),
            (Value::Int(1), Type::TEXT),
            (Value::Blob(Vec::new()), Type::TEXT),
        ] {
            assert!(written(value.clone(), ty.clone()).is_err(), "{value:?} as {ty}");
        }
        assert_eq!(Owned::from_sql_null(&Type::TEXT).unwrap().0, Value::Null);
        assert!(Owned::from_sql(&Type::NUMERIC, &[0]).is_err());
    }
}
