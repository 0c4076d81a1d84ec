//! `FROM t` alone means every column of `t`; `FROM t SELECT a` means what it would the usual way
//! round.

use sqlparser::ast::{Select, SelectFlavor, SelectItem, WildcardAdditionalOptions};

pub(super) fn rewrite(select: &mut Select) {
    if select.flavor == SelectFlavor::FromFirstNoSelect {
        select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    }
    select.flavor = SelectFlavor::Standard;
}
